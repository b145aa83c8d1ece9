/**
 * Recurrent layers: PyTorch's values and gradients, what PyTorch does not have against formulas written out for a state
 * of one number, the cells in a `scan`, and mistakes.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { checkSpecText, loadSpecText } from '../../compiler/frontend/load';
import { lowerInit, lowerModel } from '../../compiler/lower/lower';
import { runPipeline } from '../../compiler/pipeline';
import { interpret } from '../../compiler/reference/interpret';
import { expectClose, runLayer, shapeOf } from '../support/layer';
import { runNatively } from '../support/native';
import { graphOf, runCase, type RecurrentCase } from '../support/recurrent';

const CASES = JSON.parse(
  readFileSync(path.resolve(__dirname, 'recurrent-values.json'), 'utf8'),
) as readonly RecurrentCase[];

describe.each(CASES.map((row) => [row.name, row] as const))('PyTorch: %s', (_name, row) => {
  test('values and gradients', () => {
    const { outputs, gradients } = runCase(row);
    for (const [name, values] of Object.entries(row.outputs)) expectClose(outputs[name]!, values, 9);
    for (const [name, values] of Object.entries(row.gradients)) expectClose(gradients[name]!, values, 9);
  });

  test('natively, optimized', async () => {
    const { graph, feeds, states } = graphOf(row);
    const { results } = await runNatively(runPipeline(graph).graph, feeds, states, 2);
    const check = (name: string, values: readonly number[], tolerance: number): void => {
      const largest = Math.max(1, ...values.map(Math.abs));
      const found = results[name]!;
      values.forEach((value, i) => expect(Math.abs(Number(found[i]) - value)).toBeLessThan(tolerance * largest));
    };
    for (const [name, values] of Object.entries(row.outputs)) check(name, values, 1e-5);
    for (const [name, values] of Object.entries(row.gradients)) check(`d_${name}`, values, 1e-4);
  });
});

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Of one number: states of all steps by a formula of one. */
function unrolled<S>(xs: readonly number[], start: S, step: (x: number, state: S, t: number) => S): S[] {
  const all: S[] = [];
  let state = start;
  xs.forEach((x, t) => all.push((state = step(x, state, t))));
  return all;
}

const X = [0.5, -1, 2, 0.3];

describe('formulas', () => {
  test('gru with the reset before the product', () => {
    const states = {
      'y.weight_input': [0.4, -0.3, 0.8],
      'y.weight_hidden': [0.2, 0.7, -1.1],
      'y.bias': [0.1, 0.2, 0.3],
    };
    const expected = unrolled(X, 0, (x, h) => {
      const r = sigmoid(0.4 * x + 0.2 * h + 0.1);
      const z = sigmoid(-0.3 * x + 0.7 * h + 0.2);
      return (1 - z) * Math.tanh(0.8 * x - 1.1 * (r * h) + 0.3) + z * h;
    });
    const layers = 'type: gru, units: 1, reset_after: false';
    expectClose(runLayer({ x: X, shape: [1, 4, 1], layers, states }).values, expected, 12);
  });

  test('lstm with peepholes and a clipped cell', () => {
    const states = {
      'y.weight_input': [0.4, -0.3, 0.8, 0.5],
      'y.weight_hidden': [0.2, 0.7, -1.1, 0.6],
      'y.bias': [0.1, 0.2, 0.3, -0.4],
      'y.weight_peephole': [0.9, -0.8, 0.7],
    };
    const expected = unrolled<readonly [number, number]>(X, [0, 0], (x, [h, c]) => {
      const i = sigmoid(0.4 * x + 0.2 * h + 0.1 + 0.9 * c);
      const f = sigmoid(-0.3 * x + 0.7 * h + 0.2 - 0.8 * c);
      const g = Math.tanh(0.8 * x - 1.1 * h + 0.3);
      const cell = Math.max(-0.3, Math.min(0.3, f * c + i * g));
      return [sigmoid(0.5 * x + 0.6 * h - 0.4 + 0.7 * cell) * Math.tanh(cell), cell];
    });
    const layers = 'type: lstm, units: 1, peephole: true, cell_clip: 0.3';
    const { values } = runLayer({ x: X, shape: [1, 4, 1], layers, states });
    expectClose(
      values,
      expected.map(([h]) => h),
      12,
    );
  });

  const rnnStates = { 'y.weight_input': [0.8], 'y.weight_hidden': [-0.6], 'y.bias': [0.1] };
  const next = (x: number, h: number): number => Math.tanh(0.8 * x - 0.6 * h + 0.1);

  /** The layer on X with a second input. */
  function run(type: string, extra: string, values: readonly number[], fields: string): number[] {
    const spec = loadSpecText(
      `inputs: {x: {shape: [N, 4, 1]}, e: {shape: [N${type === 'lengths' ? '' : ', 4'}], dtype: ${extra}}}
layers:
  - {name: y, type: rnn, units: 1, inputs: [x, e], extra_inputs: [${type}], ${fields}}
outputs: [y]\n`,
      'm.yaml',
    );
    const { graph } = lowerModel(spec, { batch: 1, mode: 'predict' });
    const feeds = { x: Float64Array.from(X), e: Float64Array.from(values) };
    const states = Object.fromEntries(Object.entries(rnnStates).map(([name, data]) => [name, Float64Array.from(data)]));
    return [...Object.values(interpret(graph, feeds, states).results)[0]!.data];
  }

  test('a mask leaves the state as it is, and the output is 0 or what was before', () => {
    const mask = [1, 0, 1, 0];
    const held = unrolled(X, 0, (x, h, t) => (mask[t] === 1 ? next(x, h) : h));
    expectClose(run('mask', 'bool', mask, 'padded_output: previous'), held, 12);
    expectClose(
      run('mask', 'bool', mask, ''),
      held.map((h, t) => h * mask[t]!),
      12,
    );
    expectClose(run('mask', 'bool', mask, 'return: last'), [held.at(-1)!], 12);
  });

  test('there is no output before the first, whatever the initial state is', () => {
    const spec = loadSpecText(
      `inputs: {x: {shape: [N, 4, 1]}, m: {shape: [N, 4], dtype: bool}, h: {shape: [N, 1]}}
layers:
  - {name: y, type: rnn, units: 1, inputs: [x, m, h], extra_inputs: [mask, h], padded_output: previous}
outputs: [y, y.h]\n`,
      'm.yaml',
    );
    const { graph } = lowerModel(spec, { batch: 1, mode: 'predict' });
    const feeds = { x: Float64Array.from(X), m: Float64Array.of(0, 1, 0, 0), h: Float64Array.of(0.9) };
    const states = Object.fromEntries(Object.entries(rnnStates).map(([name, data]) => [name, Float64Array.from(data)]));
    const [sequence, last] = Object.values(interpret(graph, feeds, states).results);
    const only = next(X[1]!, 0.9);
    expectClose([...sequence!.data], [0, only, only, only], 12);
    expectClose([...last!.data], [only], 12);
  });

  test('with lengths the reverse direction begins at the last step that is none of the padding', () => {
    const back = unrolled([...X.slice(0, 2)].reverse(), 0, next).reverse();
    expectClose(run('lengths', 'int32', [2], 'reverse: true'), [...back, 0, 0], 12);
    expectClose(run('lengths', 'int32', [2], 'reverse: true, return: last'), [back[0]!], 12);
  });

  test('markers begin sequences anew, from both sides', () => {
    const parts = [X.slice(0, 2), X.slice(2)];
    const forward = parts.flatMap((part) => unrolled(part, 0, next));
    const back = parts.flatMap((part) => unrolled([...part].reverse(), 0, next).reverse());
    expectClose(run('cont', 'float32', [0, 1, 0, 1], ''), forward, 12);
    expectClose(run('cont', 'bool', [1, 1, 0, 1], 'reverse: true'), back, 12);
  });

  test.each([
    ['sum', (a: number, b: number) => a + b],
    ['mul', (a: number, b: number) => a * b],
    ['ave', (a: number, b: number) => (a + b) / 2],
  ] as const)('both directions merged by %s', (merge, join) => {
    const states = {
      ...rnnStates,
      'y.weight_input_reverse': [0.8],
      'y.weight_hidden_reverse': [-0.6],
      'y.bias_reverse': [0.1],
    };
    const forward = unrolled(X, 0, next);
    const back = unrolled([...X].reverse(), 0, next).reverse();
    const layers = `type: rnn, units: 1, bidirectional: true, merge: ${merge}`;
    const { values } = runLayer({ x: X, shape: [1, 4, 1], layers, states });
    expectClose(
      values,
      forward.map((h, t) => join(h, back[t]!)),
      12,
    );
    const last = runLayer({ x: X, shape: [1, 4, 1], layers: `${layers}, return: last`, states });
    expectClose(last.values, [join(forward.at(-1)!, back[0]!)], 12);
  });

  test('input and recurrent dropout keep one mask for all steps', () => {
    const layers = 'type: rnn, units: 8, activation: linear, bias: false, input_dropout: 0.5';
    const identity = Array.from({ length: 64 }, (_, i) => (i % 9 === 0 ? 1 : 0));
    const states = { 'y.weight_input': identity, 'y.weight_hidden': identity.map(() => 0) };
    const ones = Array.from({ length: 24 }, () => 1);
    const { values } = runLayer({ x: ones, shape: [1, 3, 8], layers, states, mode: 'train' });
    expect(new Set(values)).toEqual(new Set([0, 2]));
    expect(values.slice(8)).toEqual([...values.slice(0, 8), ...values.slice(0, 8)]);
    expect(runLayer({ x: ones, shape: [1, 3, 8], layers, states }).values).toEqual(ones);

    const carried = 'type: rnn, units: 8, activation: linear, bias: false, recurrent_dropout: 0.5';
    const all = runLayer({
      x: ones,
      shape: [1, 3, 8],
      layers: carried,
      states: { ...states, 'y.weight_hidden': identity },
      mode: 'train',
    }).values;
    // 1, 1 + m, 1 + m + m² with m 0 or 2.
    expect(new Set(all.slice(8, 16))).toEqual(new Set([1, 3]));
    all.slice(16).forEach((value, i) => expect(value).toBe(all[8 + i] === 3 ? 7 : 1));
  });
});

test('a cell in a scan is the layer', () => {
  const x = Array.from({ length: 24 }, (_, i) => Math.sin(i));
  const wave = (count: number): number[] => Array.from({ length: count }, (_, i) => 0.6 * Math.cos(1.3 * i));
  const weights = { weight_input: wave(24), weight_hidden: wave(16), bias: wave(8) };
  const named = (prefix: string): Record<string, number[]> =>
    Object.fromEntries(Object.entries(weights).map(([name, values]) => [`${prefix}.${name}`, values]));
  const body =
    'body: {inputs: [v, h, c], layers: [{name: s, type: lstm_cell, inputs: [v, h, c], units: 2}], outputs: {h: s, c: s.c}}, carry: {h: {next: h, shape: [2]}, c: {next: c, shape: [2]}}';
  const own = runLayer({ x, shape: [2, 4, 3], layers: 'type: lstm, units: 2', states: named('y') });
  const scanned = runLayer({ x, shape: [2, 4, 3], layers: `type: scan, inputs: x, ${body}`, states: named('y/s') });
  expectClose(scanned.values, own.values, 12);
  expectClose(scanned.gradient, own.gradient, 12);
});

describe('weights', () => {
  const statesOf = (fields: string) => {
    const spec = loadSpecText(`inputs: {x: {shape: [N, 4, 3]}}\nlayers: [{name: r, ${fields}}]\n`, 'm.yaml');
    const model = lowerModel(spec, { batch: 2, mode: 'predict' });
    return { spec, model };
  };

  test('are named after layer and direction', () => {
    const { model } = statesOf('type: gru, units: 2, layers: 2, bidirectional: true');
    expect(model.states.map(({ value }) => `${value.name} [${value.type.shape.join(', ')}]`)).toEqual(
      ['', '_reverse', '_1', '_1_reverse'].flatMap((suffix) => [
        `r.weight_input${suffix} [6, ${suffix.includes('1') ? 4 : 3}]`,
        `r.weight_hidden${suffix} [6, 2]`,
        `r.bias${suffix} [6]`,
        `r.bias_hidden${suffix} [2]`,
      ]),
    );
  });

  test('settings hold for every layer and direction', () => {
    const { model } = statesOf(
      'type: rnn, units: 2, layers: 2, bidirectional: true, parameters: {weight_hidden: {lr: 0.5, init: zeros}, bias: {frozen: true}}',
    );
    for (const { param, lr, frozen, init } of model.states) {
      if (param.startsWith('weight_hidden')) expect([lr, init]).toEqual([0.5, 'zeros']);
      expect(frozen).toBe(param.startsWith('bias'));
    }
  });

  test('the forget gate starts open', () => {
    const { spec, model } = statesOf('type: lstm, units: 2');
    const { graph } = lowerInit(spec, [model]);
    const { updates } = interpret(graph, { rng: Float64Array.of(3, 0) });
    expect([...updates['r.bias']!.data]).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
    // Orthonormal columns.
    const u = updates['r.weight_hidden']!.data;
    const dot = (a: number, b: number): number =>
      Array.from({ length: 8 }, (_, i) => u[2 * i + a]! * u[2 * i + b]!).reduce((sum, x) => sum + x);
    expectClose([dot(0, 0), dot(0, 1), dot(1, 1)], [1, 0, 1], 6);
  });
});

describe('mistakes', () => {
  test.each([
    ['type: rnn, units: 2, merge: sum', /there is one direction without `bidirectional`/],
    ['type: rnn, units: 2, bidirectional: true, reverse: true', /there are both directions/],
    ['type: gru, units: 2, dropout: 0.5', /it acts between stacked layers, and there is one/],
    ['type: gru, units: 2, padded_output: zeros', /there is no padding/],
    ['type: lstm, units: 2, bias: false, forget_bias: 2', /without `bias` there is none/],
    ['type: lstm, units: 2, extra_inputs: [h]', /0 inputs after the first, and `extra_inputs` names 1/],
    ['type: lstm, units: 2, inputs: [x, x], extra_inputs: [h]', /initial states have the shape \[2, 2\] here/],
    ['type: lstm, units: 2, layers: 2, inputs: [x, x], extra_inputs: [c]', /shape \[2, 2, 2\] here/],
    ['type: lstm, units: 2, inputs: [x, x], extra_inputs: [lengths]', /lengths are integers/],
    ['type: lstm, units: 2, inputs: [x, x], extra_inputs: [mask]', /a value for each step, here \[2, 3\]/],
    ['type: rnn, units: 2, inputs: [x, x], extra_inputs: [c]', /extra_inputs/],
    ['type: rnn, units: 2, activation: softmax', /activation/],
    ['type: rnn_cell, units: 2, inputs: [x, x]', /one step, \[N, C\]/],
  ])('%s', (fields, message) => {
    expect(shapeOf([2, 3, 4], fields)).toMatch(message);
  });

  test('are shown at their field', () => {
    const text = 'inputs: {x: {shape: [N, 3, 4]}}\nlayers:\n  - {name: r, type: gru, units: 2, dropout: 0.5}\n';
    const { spec } = checkSpecText(text, 'm.yaml');
    expect(() => lowerModel(spec!, { batch: 2, mode: 'predict' })).toThrow(/m\.yaml:3:45/);
  });
});

test('masking finds padding by its value, and lstm heeds it', () => {
  const layers = (y: string): string => `  - {name: m, type: masking, value: -1}
  - {name: y, ${y}}`;
  const x = [1, 2, -1, -1, -1, 3];
  const masked = runLayer({ x, shape: [1, 3, 2], layers: layers('type: identity, inputs: m') });
  expectClose(masked.values, [1, 2, 0, 0, -1, 3]);
  const { values } = runLayer({
    x,
    shape: [1, 3, 2],
    layers: layers('type: rnn, units: 1, inputs: [m, m.mask], extra_inputs: [mask], activation: linear, bias: false'),
    states: { 'y.weight_input': [1, 1], 'y.weight_hidden': [1] },
  });
  expectClose(values, [3, 0, 5]);
});

test('conv_lstm2d on images of one pixel is lstm', () => {
  const x = [0.3, -0.7, 1.2, 0.4, -0.1, 0.9];
  const wave = (count: number): number[] => Array.from({ length: count }, (_, i) => 0.6 * Math.cos(1.3 * i));
  const states = { 'y.weight_input': wave(16), 'y.weight_hidden': wave(16), 'y.bias': wave(8) };
  const own = runLayer({ x, shape: [1, 3, 2], layers: 'type: lstm, units: 2', states });
  const layers = 'type: conv_lstm2d, filters: 2, kernel: 1';
  const { values, gradient, shape } = runLayer({ x, shape: [1, 3, 2, 1, 1], layers, states });
  expect(shape).toEqual([1, 3, 2, 1, 1]);
  expectClose(values, own.values, 12);
  expectClose(gradient, own.gradient, 12);
});

test('conv_lstm1d convolves the state with zeros around it', () => {
  // One filter of [left, centre, right] for each gate; the gates are wide open but for the candidate.
  const open = 100;
  const states = {
    'y.weight_input': [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
    'y.weight_hidden': [0, 0, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0],
    'y.bias': [open, -open, 0, open],
  };
  const layers =
    'type: conv_lstm1d, filters: 1, kernel: 3, padding: same, activation: linear, recurrent_activation: sigmoid';
  const { values } = runLayer({ x: [1, 2, 3, 10, 20, 30], shape: [1, 2, 1, 3], layers, states });
  expectClose(values, [1, 2, 3, 10, 20 + 0.5 * 1, 30 + 0.5 * 2], 12);
});
