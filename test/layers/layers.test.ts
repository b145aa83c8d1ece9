/** The layers without a test file of their own, and what holds for every layer. */
import { loadSpecText } from '../../compiler/frontend/load';
import type { LayerDef } from '../../compiler/layers/define';
import { LAYERS } from '../../compiler/layers/index';
import { lowerModel } from '../../compiler/lower/lower';
import { expectClose, modelOf, runLayer, shapeOf } from '../support/layer';

const DEFS: readonly LayerDef[] = Object.values(LAYERS);

test.each(Object.entries(LAYERS))(
  '%s is listed under its own name and documents every field',
  (name, def: LayerDef) => {
    expect(def.type).toBe(name);
    expect(def.summary).toMatch(/\.$/);
    for (const schema of Object.values(def.fields)) expect(schema.description.length).toBeGreaterThan(10);
  },
);

test.each(DEFS.map((def) => [def.type, def] as const))('the example of %s works as it stands', (_type, def) => {
  // The first sample suits the example, with what it makes before the layer.
  const { inputs = [], through } = def.samples?.[0] ?? {};
  const names = /inputs: \[([^\]]*)\]/.exec(def.example)?.[1]?.split(', ') ?? ['x'];
  const before = through ? names.map((name, i) => ({ name, type: 'identity', inputs: through.inputs[i] })) : [];
  const declared = (through ? inputs.map((_, i) => `in${i}`) : names).map((name, i) => {
    const { shape = ['N', 8, 16, 16], dtype = 'float32' } = inputs[i] ?? {};
    return `  ${name}: {shape: [${shape.join(', ')}], dtype: ${dtype}}\n`;
  });
  const layers = [...(through?.layers ?? []), ...before].map((layer) => `  - ${JSON.stringify(layer)}\n`);
  const text = `inputs:\n${declared.join('')}layers:\n${layers.join('')}  - ${def.example}\n`;
  const { graph } = lowerModel(loadSpecText(text, 'example.yaml'), { batch: 2, mode: 'predict' });
  expect(graph.results).toHaveLength(1);
});

test('dense flattens images and transforms only the last axis when told', () => {
  expect(shapeOf([2, 3, 4, 5], 'type: dense, units: 7')).toEqual([2, 7]);
  expect(shapeOf([2, 3, 4, 5], 'type: dense, units: 7, axis: -1')).toEqual([2, 3, 4, 7]);
  const states = { 'y.weight': [1, 10, 100, 1000], 'y.bias': [0.5] };
  expect(runLayer({ x: [1, 2, 3, 4], shape: [1, 1, 2, 2], layers: 'type: dense, units: 1', states }).values).toEqual([
    4321.5,
  ]);
});

test('dropout scales what it keeps in training and is absent elsewhere', () => {
  const x = Array.from({ length: 1000 }, () => 1);
  const train = runLayer({ x, shape: [1, 1000], layers: 'type: dropout, rate: 0.25', mode: 'train' });
  expect(new Set(train.values.map((value) => value.toFixed(6)))).toEqual(new Set(['0.000000', '1.333333']));
  expect(train.gradient).toEqual(train.values);
  const kept = train.values.filter((value) => value > 0).length;
  expect(kept).toBeGreaterThan(700);
  expect(kept).toBeLessThan(800);
  expect(runLayer({ x, shape: [1, 1000], layers: 'type: dropout, rate: 0.25', mode: 'eval' }).values).toEqual(x);
});

test('two dropouts draw from streams of their own', () => {
  const layers = '  - {name: a, type: dropout}\n  - {name: y, type: dropout}';
  const model = modelOf([1, 8], layers, 'train');
  model.lowerLayers(['y']);
  const streams = model.b.nodes.map((node) => node.attrs['stream']);
  expect(new Set(streams).size).toBe(2);
});

test('flatten joins axes, reshape takes symbols and one -1', () => {
  expect(shapeOf([2, 3, 4, 5], 'type: flatten')).toEqual([2, 60]);
  expect(shapeOf([2, 3, 4, 5], 'type: flatten, axis: 2')).toEqual([2, 3, 20]);
  expect(shapeOf([2, 3, 4, 5], 'type: reshape, shape: [N, -1, 10]')).toEqual([2, 6, 10]);
  expect(shapeOf([2, 3, 4, 5], 'type: reshape, shape: [N, -1, 7]')).toMatch(/does not hold the 120 elements/);
  expect(shapeOf([2, 3, 4, 5], 'type: reshape, shape: [M, 60]')).toMatch(/no input has a dimension called 'M'/);
  expect(shapeOf([2, 3, 4, 5], 'type: reshape, shape: [-1, -1]')).toMatch(/only one extent can be -1/);
});

test('add, mul and sub stretch extents of 1 and nothing else', () => {
  const pair = (type: string): string =>
    `  - {name: gate, type: global_avg_pool2d, keepdims: true, inputs: x}\n  - {name: y, type: ${type}, inputs: [x, gate]}`;
  const run = (type: string): number[] => runLayer({ x: [1, 3], shape: [1, 1, 1, 2], layers: pair(type) }).values;
  expect([run('add'), run('mul'), run('sub')]).toEqual([
    [3, 5],
    [2, 6],
    [-1, 1],
  ]);
  const flat = '  - {name: gate, type: global_avg_pool2d, inputs: x}\n  - {name: y, type: add, inputs: [x, gate]}';
  expect(shapeOf([1, 2, 2, 2], flat)).toMatch(
    /different numbers of axes: `x` is \[1, 2, 2, 2\], `gate` is \[1, 2\] \[shape-mismatch\]/,
  );
  const cut = '  - {name: half, type: max_pool2d, kernel: 2, inputs: x}\n  - {name: y, type: add, inputs: [x, half]}';
  expect(shapeOf([1, 2, 4, 4], cut)).toMatch(
    /differ on axis 2, 4 and 2: `x` is \[1, 2, 4, 4\], `half` is \[1, 2, 2, 2\]/,
  );
});

test('add takes any number of inputs', () => {
  expect(runLayer({ x: [1, 2], shape: [1, 2], layers: 'type: add, inputs: [x, x, x]' }).values).toEqual([3, 6]);
});

test('concat joins along its axis and refuses other differences', () => {
  expect(shapeOf([1, 2, 3, 3], 'type: concat, inputs: [x, x]')).toEqual([1, 4, 3, 3]);
  expect(shapeOf([1, 2, 3, 3], 'type: concat, axis: -1, inputs: [x, x, x]')).toEqual([1, 2, 3, 9]);
  const cut =
    '  - {name: half, type: max_pool2d, kernel: 3, inputs: x}\n  - {name: y, type: concat, inputs: [x, half]}';
  expect(shapeOf([1, 2, 3, 3], cut)).toMatch(/differ outside of axis 1/);
  expect(shapeOf([1, 2, 3, 3], 'type: concat, axis: 4, inputs: [x, x]')).toMatch(/axis 4 is not among the axes 0 to 3/);
});

test('lrn divides alpha by its size, as PyTorch and Caffe', () => {
  const layers = 'type: lrn, size: 3, alpha: 0.5, beta: 0.75, k: 2';
  expectClose(
    runLayer({ x: [1, 2, 3, 4, 5, 6], shape: [1, 6, 1, 1], layers }).values,
    [0.457906435, 0.6659067581, 0.7098176596, 0.6940322667, 0.66151689, 0.9210273845],
  );
  expect(shapeOf([1, 6, 1, 1], 'type: lrn, size: 4')).toMatch(/size 4 is even/);
});

test('pad puts a border around each image', () => {
  const found = runLayer({ x: [1, 2], shape: [1, 1, 1, 2], layers: 'type: pad, padding: [[1, 0], [0, 1]], value: 9' });
  expect([found.shape, found.values]).toEqual([
    [1, 1, 2, 3],
    [9, 9, 9, 1, 2, 9],
  ]);
  expect(shapeOf([1, 1, 2, 2], 'type: pad, padding: [1, 2]')).toEqual([1, 1, 4, 6]);
});

test('layers that compute refuse integers', () => {
  const text = 'inputs: {x: {shape: [N, 4], dtype: int32}}\nlayers: [{name: y, type: dense, units: 2}]\n';
  const lower = (): unknown => lowerModel(loadSpecText(text, 'm.yaml'), { batch: 1, mode: 'predict' });
  expect(lower).toThrow(/computes with float32: `x` is int32 \[dtype-mismatch\]/);
});
