/**
 * Models inside of Keras models: each is a layer of type `model` with a file of its own, shares its weights where it is
 * called again, and gives the numbers that its layers give in its place.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { importModel, type Imported } from '../../../compiler/interop/import/import';
import { elementCount } from '../../../compiler/ir/types';
import { distance, run } from './corpus';

type Settings = Readonly<Record<string, unknown>>;

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-keras-nested-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `name`, or `name@1` for its second call. */
const tensor = (text: string): unknown[] => {
  const [name, call = '0'] = text.split('@');
  return [name, Number(call), 0, {}];
};
const layer = (class_name: string, name: string, config: Settings, ...calls: (readonly string[])[]): Settings => ({
  class_name,
  name,
  config: { name, ...config },
  inbound_nodes: calls.map((from) => from.map(tensor)),
});
const model = (
  name: string,
  layers: readonly Settings[],
  inputs: readonly string[],
  outputs: readonly string[],
): Settings => {
  const refs = (names: readonly string[]): unknown => names.map((one) => [one, 0, 0]);
  return { name, layers, input_layers: refs(inputs), output_layers: refs(outputs) };
};
const input = (name: string, ...shape: number[]): Settings =>
  layer('InputLayer', name, { batch_input_shape: [null, ...shape] });

/** A layer model of TensorFlow.js with weights for the names given, drawn from a seed. */
async function imported(
  config: Settings,
  weights: Readonly<Record<string, readonly number[]>>,
  options: { readonly blocks?: boolean; readonly inPlace?: boolean } = {},
): Promise<Imported> {
  let state = 1;
  const draw = (): number => (state = (state * 48271) % 2147483647) / 2147483647 - 0.5;
  const values = Object.entries(weights).map(([name, shape]) => {
    const positive = name.includes('variance');
    return {
      name,
      shape,
      data: Float32Array.from({ length: elementCount(shape) }, () => (positive ? 1 + draw() : draw())),
    };
  });
  writeFileSync(path.join(folder, 'w.bin'), Buffer.concat(values.map(({ data }) => Buffer.from(data.buffer))));
  const manifest = [
    { paths: ['w.bin'], weights: values.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })) },
  ];
  const file = path.join(folder, 'model.json');
  const topology = { class_name: 'Model', config, keras_version: '2.2.4' };
  const whole = values.length === 0 ? topology : { modelTopology: topology, weightsManifest: manifest };
  writeFileSync(file, JSON.stringify(whole));
  return importModel([file], { blocks: false, base: 'net', ...options });
}

/** The same numbers as with the layers of the inner models in their place. */
async function expectSame(
  config: Settings,
  weights: Readonly<Record<string, readonly number[]>>,
  ...shapes: (readonly number[])[]
): Promise<Imported> {
  const inputs = shapes.map((shape, k) => ({
    dtype: 'f32' as const,
    shape,
    data: Float32Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(i * (k + 1))),
  }));
  const flat = await imported(config, weights, { inPlace: true });
  expect(flat.models.size).toBe(0);
  const expected = await run(flat, inputs);
  for (const blocks of [false, true]) {
    const nested = await imported(config, weights, { blocks });
    expect(nested.models.size).toBeGreaterThan(0);
    expect([...nested.tensors.values()].length).toBe(flat.tensors.size);
    const outputs = await run(nested, inputs);
    outputs.forEach((output, i) => {
      expect(output.shape).toEqual(expected[i]!.shape);
      expect(distance(output, expected[i]!)).toBeLessThan(1e-6);
    });
  }
  return imported(config, weights);
}

const ENCODER = model(
  'encoder',
  [
    input('picture', 8, 8, 3),
    layer('Conv2D', 'conv', { filters: 4, kernel_size: [3, 3], padding: 'same', activation: 'relu' }, ['picture']),
    layer('BatchNormalization', 'norm', {}, ['conv']),
    layer('MaxPooling2D', 'pool', { pool_size: [2, 2] }, ['norm']),
  ],
  ['picture'],
  ['pool'],
);
const CONV = {
  'encoder/conv/kernel': [3, 3, 3, 4],
  'encoder/conv/bias': [4],
  'encoder/norm/gamma': [4],
  'encoder/norm/beta': [4],
  'encoder/norm/moving_mean': [4],
  'encoder/norm/moving_variance': [4],
};

test('an encoder that two inputs go through is one file, used twice, with one set of weights', async () => {
  const twins = model(
    'twins',
    [
      input('left', 8, 8, 3),
      input('right', 8, 8, 3),
      { ...layer('Model', 'encoder', {}, ['left'], ['right']), config: ENCODER },
      layer('Subtract', 'difference', {}, ['encoder@0', 'encoder@1']),
      layer('Flatten', 'flat', {}, ['difference']),
      layer('Dense', 'score', { units: 2 }, ['flat']),
    ],
    ['left', 'right'],
    ['score'],
  );
  const found = await expectSame(
    twins,
    { ...CONV, 'score/kernel': [64, 2], 'score/bias': [2] },
    [2, 8, 8, 3],
    [2, 8, 8, 3],
  );
  expect([...found.models.keys()]).toEqual(['net_encoder.yaml']);
  expect(found.text).toContain('- {name: encoder, type: model, file: net_encoder.yaml}');
  expect(found.text).toContain(
    '- {name: encoder_2, type: model, inputs: right, file: net_encoder.yaml, share: encoder}',
  );
  expect(found.models.get('net_encoder.yaml')).toContain('picture: {shape: [N, 3, 8, 8]}');
  expect([...found.tensors.keys()].sort()).toEqual(
    ['bias', 'weight']
      .map((name) => `encoder/conv.${name}`)
      .concat(
        ['beta', 'gamma', 'mean', 'variance'].map((name) => `encoder/norm.${name}`),
        ['score.bias', 'score.weight'],
      ),
  );
  const fates = found.entries.filter(({ source }) => source.startsWith('encoder'));
  expect(fates).toContainEqual({ kind: 'layer', source: 'encoder (Model)', fate: 'mapped', to: 'encoder' });
  expect(fates.every(({ fate }) => fate === 'mapped' || fate === 'converted')).toBe(true);
});

test('models in models, a Sequential one among them, with several outputs and a flattened image between', async () => {
  const head = {
    name: 'head',
    layers: [
      { class_name: 'Dense', config: { name: 'wide', units: 6, activation: 'tanh', batch_input_shape: [null, 64] } },
      { class_name: 'Dense', config: { name: 'narrow', units: 3 } },
    ],
  };
  const inner = model(
    'inner',
    [
      input('image', 8, 8, 3),
      { ...layer('Model', 'encoder', {}, ['image']), config: ENCODER },
      layer('Flatten', 'flat', {}, ['encoder']),
      { ...layer('Sequential', 'head', {}, ['flat']), config: head },
    ],
    ['image'],
    ['head', 'flat'],
  );
  const second = layer('Dense', 'last', { units: 2 }, ['inner']);
  const third = { ...layer('Dense', 'other', { units: 2 }), inbound_nodes: [[['inner', 0, 1, {}]]] };
  const outer = model(
    'outer',
    [input('x', 8, 8, 3), { ...layer('Model', 'inner', {}, ['x']), config: inner }, second, third],
    ['x'],
    ['last', 'other'],
  );
  const dense = {
    'inner/head/wide/kernel': [64, 6],
    'inner/head/wide/bias': [6],
    'inner/head/narrow/kernel': [6, 3],
    'inner/head/narrow/bias': [3],
    'last/kernel': [3, 2],
    'last/bias': [2],
    'other/kernel': [64, 2],
    'other/bias': [2],
  };
  const deep = Object.fromEntries(Object.entries(CONV).map(([name, shape]) => [`inner/${name}`, shape]));
  const found = await expectSame(outer, { ...deep, ...dense }, [2, 8, 8, 3]);
  expect([...found.models.keys()].sort()).toEqual(['net_inner.yaml', 'net_inner_encoder.yaml', 'net_inner_head.yaml']);
  expect(found.models.get('net_inner.yaml')).toContain('{name: encoder, type: model, file: net_inner_encoder.yaml}');
  expect(found.tensors.has('inner/head/wide.weight')).toBe(true);
});

test('the output of a model inside, channels first, has the name of its layer', async () => {
  const outer = model(
    'outer',
    [input('x', 8, 8, 3), { ...layer('Model', 'encoder', {}, ['x']), config: ENCODER }],
    ['x'],
    ['encoder'],
  );
  const found = await expectSame(outer, CONV, [1, 8, 8, 3]);
  expect(found.spec.outputs).toEqual(['encoder/pool']);
  expect(found.text).toContain('The output encoder/pool has its channels first');
});

test('a model that is called with another shape shares its weights all the same', async () => {
  const outer = model(
    'outer',
    [
      input('small', 8, 8, 3),
      input('large', 12, 12, 3),
      { ...layer('Model', 'encoder', {}, ['small'], ['large']), config: ENCODER },
      layer('GlobalAveragePooling2D', 'a', {}, ['encoder@0']),
      layer('GlobalAveragePooling2D', 'b', {}, ['encoder@1']),
      layer('Add', 'sum', {}, ['a', 'b']),
    ],
    ['small', 'large'],
    ['sum'],
  );
  const found = await expectSame(outer, CONV, [1, 8, 8, 3], [1, 12, 12, 3]);
  expect([...found.models.keys()]).toEqual(['net_encoder.yaml', 'net_encoder_2.yaml']);
  expect(found.text).toContain('file: net_encoder_2.yaml, share: encoder');
});

test('what cannot stand alone is written in its place: one that hands its input on, one that takes a mask', async () => {
  const through = model('through', [input('y', 4)], ['y'], ['y']);
  const outer = model(
    'outer',
    [
      input('x', 4),
      { ...layer('Model', 'through', {}, ['x']), config: through },
      layer('Dense', 'd', { units: 2 }, ['through']),
    ],
    ['x'],
    ['d'],
  );
  expect((await imported(outer, { 'd/kernel': [4, 2], 'd/bias': [2] })).models.size).toBe(0);
  const loop = {
    name: 'loop',
    layers: [{ class_name: 'LSTM', config: { name: 'lstm', units: 3, batch_input_shape: [null, 5, 2] } }],
  };
  const masked = model(
    'masked',
    [
      input('x', 5, 2),
      layer('Masking', 'mask', { mask_value: 0 }, ['x']),
      { ...layer('Sequential', 'loop', {}, ['mask']), config: loop },
    ],
    ['x'],
    ['loop'],
  );
  const gates = { 'loop/lstm/kernel': [2, 12], 'loop/lstm/recurrent_kernel': [3, 12], 'loop/lstm/bias': [12] };
  const found = await imported(masked, gates);
  expect(found.models.size).toBe(0);
  expect(found.text).toContain('loop/lstm');
});

test('a layer whose name looks like a path into a model inside is another one', async () => {
  const tower = {
    name: 'enc',
    layers: [{ class_name: 'Dense', config: { name: 'd', units: 2, batch_input_shape: [null, 3] } }],
  };
  const outer = model(
    'outer',
    [
      input('x', 3),
      { ...layer('Sequential', 'enc', {}, ['x']), config: tower },
      layer('Dense', 'enc/d', { units: 4 }, ['x']),
      layer('Concatenate', 'all', {}, ['enc', 'enc/d']),
    ],
    ['x'],
    ['all'],
  );
  const found = await imported(outer, {});
  expect(found.spec.layers.filter(({ type }) => type === 'dense').map(({ fields }) => fields.units)).toEqual([2, 4]);
});

/** Models that call the one inside of them twice, so many above each other. */
function doubling(depth: number): Settings {
  let config: Settings = {
    name: 'm0',
    layers: [{ class_name: 'ReLU', config: { name: 'r', batch_input_shape: [null, 2] } }],
  };
  for (let level = 1; level <= depth; level++) {
    const [inside, name] = [`m${level - 1}`, `m${level}`];
    const type = level === 1 ? 'Sequential' : 'Model';
    const twice = { ...layer(type, inside, {}, ['x'], [`${inside}@0`]), config };
    config = { ...model(name, [input('x', 2), twice], ['x'], [inside]), output_layers: [[inside, 1, 0]] };
  }
  return config;
}

test('models that call models that call models are counted before they are written out', async () => {
  const began = Date.now();
  const some = await imported(doubling(6), {});
  expect(some.models.size).toBe(6);
  expect(some.spec.layers).toHaveLength(64);
  expect((await imported(doubling(10), {})).models.size).toBe(0);
  await expect(imported(doubling(18), {})).rejects.toThrow(/more than 20000 layers/);
  expect(Date.now() - began).toBeLessThan(20_000);
});
