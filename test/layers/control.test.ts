/** Control layers: what loops and branches compute, what buffers hold, and where their mistakes are shown. */
import { checkSpecText } from '../../compiler/frontend/load';
import { SpecError } from '../../compiler/diagnostics/errors';
import { lowerModel } from '../../compiler/lower/lower';
import { expectClose, runLayer, shapeOf } from '../support/layer';

const SUM =
  'body: {inputs: [v, total], layers: [{name: next, type: add, inputs: [v, total]}]}, carry: {total: {next: output, shape: [2]}}';

describe('scan', () => {
  const x = [1, 2, 3, 4, 5, 6];

  test('carries a value from step to step, and stacks what each step gives', () => {
    const { values, shape } = runLayer({ x, shape: [1, 3, 2], layers: `type: scan, inputs: x, ${SUM}` });
    expect(shape).toEqual([1, 3, 2]);
    expectClose(values, [1, 2, 4, 6, 9, 12]);
  });

  test('runs in reverse with outputs in their places', () => {
    const { values } = runLayer({ x, shape: [1, 3, 2], layers: `type: scan, inputs: x, reverse: true, ${SUM}` });
    expectClose(values, [9, 12, 8, 10, 5, 6]);
  });

  test('gives the last carried value as final_<input>', () => {
    const layers = `  - {name: s, type: scan, inputs: x, ${SUM}}\n  - {name: y, type: identity, inputs: s.final_total}`;
    const { values, gradient } = runLayer({ x, shape: [1, 3, 2], layers });
    expectClose(values, [9, 12]);
    expectClose(gradient, [1, 1, 1, 1, 1, 1]);
  });

  test('a block with parameters is a body too, and its weights are named after its place', () => {
    const text = `inputs: {x: {shape: [N, 5, 3]}}
blocks:
  cell:
    params: {units: {type: integer}}
    inputs: [v, h]
    layers:
      - {name: a, type: dense, inputs: v, units: $units}
      - {name: b, type: dense, inputs: h, units: $units, bias: false}
      - {name: next, type: add, inputs: [a, b], activation: tanh}
layers:
  - {name: rnn, type: scan, inputs: x, body: {type: cell, units: 4}, carry: {h: {next: output, shape: [4]}}}
`;
    const { spec, diagnostics } = checkSpecText(text, 'm.yaml');
    expect(diagnostics).toEqual([]);
    const { states, graph } = lowerModel(spec!, { batch: 2, mode: 'predict' });
    expect(states.map(({ value }) => value.name)).toEqual(['rnn/a.weight', 'rnn/a.bias', 'rnn/b.weight']);
    expect(graph.results[0]!.value.type.shape).toEqual([2, 5, 4]);
    const again = checkSpecText(JSON.stringify(spec!.resolved), 'm.json');
    expect(again.diagnostics).toEqual([]);
    expect(lowerModel(again.spec!, { batch: 2, mode: 'predict' }).graph.nodes.length).toBe(graph.nodes.length);
  });

  test.each([
    ['carry: {w: next}', /the body has no input called `w`; there are `v`, `total`/],
    ['carry: {total: nxt}', /the body has no output called `nxt`; there are `output`/],
    ['carry: {total: {next: output, shape: [3]}}', /the inputs differ on axis 1/],
    ['carry: {total: {next: output, shape: [1]}}', /it is f32\[1, 1\] before a step and f32\[1, 2\] after it/],
    ['carry: {}', /the body takes `v`, `total`; found 1 inputs/],
    ['length: 4, carry: {total: {next: output, shape: [2]}}', /the sequences have 3 steps, not 4/],
    ['sequences: [total], carry: {total: {next: output, shape: [2]}}', /`total` is carried/],
  ])('%s is refused', (fields, message) => {
    const body = 'body: {inputs: [v, total], layers: [{name: next, type: add, inputs: [v, total]}]}';
    expect(shapeOf([1, 3, 2], `type: scan, inputs: x, ${body}, ${fields}`)).toMatch(message);
  });

  test('what a body does not take it does not see', () => {
    const body = 'body: {inputs: v, layers: [{name: a, type: add, inputs: [v, x]}]}';
    expect(shapeOf([1, 3, 2], `type: scan, inputs: x, ${body}`)).toMatch(/no layer or input `x`/);
  });

  test('running statistics cannot be trained in a loop, and are used in prediction', () => {
    const layers = 'type: scan, inputs: x, body: {inputs: v, layers: [{type: batch_norm}]}';
    const train = (): unknown => runLayer({ x, shape: [1, 3, 2], layers, mode: 'train' });
    expect(train).toThrow(SpecError);
    expect(train).toThrow(/running statistics, which cannot be done inside of a loop/);
    expect(
      runLayer({
        x,
        shape: [1, 3, 2],
        layers,
        states: {
          'y/batch_norm1.gamma': [1, 1],
          'y/batch_norm1.beta': [0, 0],
          'y/batch_norm1.mean': [0, 0],
          'y/batch_norm1.variance': [1, 1],
        },
      }).values[0],
    ).toBeCloseTo(1, 4);
  });

  test('each step draws anew', () => {
    const layers =
      'type: scan, inputs: x, body: {inputs: v, layers: [{type: expression, inputs: v, expr: "uniform(v)"}]}';
    const { values } = runLayer({ x, shape: [1, 3, 2], layers, mode: 'train' });
    expect(new Set(values).size).toBe(6);
  });
});

test('cond takes one side, and gradients follow it', () => {
  const layers = (test: string): string =>
    `  - {name: t, type: expression, inputs: x, expr: "${test}"}\n  - {name: y, type: cond, inputs: [t, x], then: {layers: [{type: expression, expr: "2 * x"}]}, otherwise: {layers: [{type: expression, expr: "x ** 2"}]}}`;
  const x = [3, 4];
  const run = (test: string): ReturnType<typeof runLayer> => runLayer({ x, shape: [1, 2], layers: layers(test) });
  expectClose(run('mean(x) > 0').values, [6, 8]);
  expectClose(run('mean(x) > 0').gradient, [2, 2]);
  expectClose(run('mean(x) < 0').values, [9, 16]);
  expectClose(run('mean(x) < 0').gradient, [6, 8]);
  expect(shapeOf([1, 2], layers('x > 0'))).toMatch(/single bool/);
});

test('while stops by its condition or its limit, and counts', () => {
  const layers = (limit: number): string =>
    `  - {name: from, type: stop_gradient, inputs: x}
  - {name: w, type: while, inputs: from, limit: ${limit}, condition: {inputs: v, layers: [{type: expression, inputs: v, expr: "max(v) > 1"}]}, body: {inputs: v, layers: [{type: expression, inputs: v, expr: "v / 2"}]}}
  - {name: c, type: cast, inputs: w.count, dtype: float32}
  - {name: y, type: expression, inputs: [w, c], expr: "w + 100 * c", axes: {c: []}}`;
  const run = (limit: number): number[] => runLayer({ x: [8, 3], shape: [1, 2], layers: layers(limit) }).values;
  expectClose(run(10), [301, 300.375]);
  expectClose(run(2), [202, 200.75]);
});

describe('buffer', () => {
  const layers = `  - {name: seen, type: buffer, shape: [2], next: more}
  - {name: more, type: expression, inputs: [seen, x], expr: "seen + sum(x, N)", axes: {seen: [C]}}
  - {name: y, type: expression, inputs: [x, seen], expr: "x - seen", axes: {seen: [C]}}`;
  const run = { x: [1, 2, 3, 4], shape: [2, 2], layers, states: { 'seen.value': [10, 20] } };

  test('takes on the value of its next after a training step', () => {
    const { values, updates } = runLayer({ ...run, mode: 'train' });
    expectClose(values, [-9, -18, -7, -16]);
    expect(updates).toEqual({ 'seen.value': [14, 26] });
  });

  test('stays as it is in prediction', () => {
    expect(runLayer(run).updates).toEqual({});
  });

  test('is told from a value of another shape', () => {
    const wrong = `  - {name: seen, type: buffer, shape: [3], next: y}\n  - {name: y, type: expression, inputs: [x], expr: "x"}\n  - {name: z, type: expression, inputs: [seen, x], expr: "x"}`;
    const { spec } = checkSpecText(
      `inputs: {x: {shape: [N, 2]}, t: {shape: [N, 2]}}\nlayers:\n${wrong}\noutputs: [z]\nlosses: [{type: mse, inputs: [z, t]}]\n`,
      'm.yaml',
    );
    expect(() => lowerModel(spec!, { batch: 2, mode: 'train' })).toThrow(/it holds \[3\]/);
  });

  test('is refused inside of a body', () => {
    const inner =
      'body: {inputs: v, layers: [{name: b, type: buffer, shape: [2], next: a}, {name: a, type: expression, inputs: [v, b], expr: "v + b", axes: {b: [C]}}]}';
    expect(shapeOf([1, 3, 2], `type: scan, inputs: x, ${inner}`)).toMatch(/inside of a body/);
  });
});

test('time_distributed applies one block to all steps', () => {
  const states = { 'y/d.weight': [1, 10], 'y/d.bias': [0.5] };
  const layers = 'type: time_distributed, body: {layers: [{name: d, type: dense, units: 1}]}';
  const { values, shape } = runLayer({ x: [1, 2, 3, 4], shape: [1, 2, 2], layers, states });
  expect(shape).toEqual([1, 2, 1]);
  expectClose(values, [21.5, 43.5]);
});
