/** Attention and positions: PyTorch's values, masks, conventions, and what they refuse. */
import { expectClose } from '../support/layer';
import { counting, problemOf, runModel, wave, type ModelInput } from '../support/model';

const bools = (shape: readonly number[], values: readonly number[]): ModelInput => ({ shape, values, dtype: 'bool' });

/** The parameters of nn.MultiheadAttention(4, 2): rows of `in_proj_weight` are query, key and value. */
const TORCH = (() => {
  const all = wave([12, 4], 0.1).values;
  const bias = wave([12], 0.2).values;
  return {
    'y.query': all.slice(0, 16),
    'y.key': all.slice(16, 32),
    'y.value': all.slice(32),
    'y.query_bias': bias.slice(0, 4),
    'y.key_bias': bias.slice(4, 8),
    'y.value_bias': bias.slice(8),
    'y.output': wave([4, 4], 0.3).values,
    'y.output_bias': wave([4], 0.4).values,
  };
})();

describe('multi_head_attention', () => {
  test('is nn.MultiheadAttention, with a mask of padding', () => {
    const { values, gradients } = runModel({
      inputs: { x: wave([2, 3, 4], 0.5), mask: bools([2, 3], [1, 1, 1, 1, 1, 0]) },
      layers: '  - {name: y, type: multi_head_attention, heads: 2, inputs: [x, mask], masks: 1}',
      states: TORCH,
    });
    expectClose(
      values['y']!,
      [
        3.1171481, -1.9516937, 3.6034077, -1.5138873, 2.066393, -1.6462784, 4.0786246, -2.7148224, 3.3062513,
        -2.0088788, 3.5220667, -1.3034195, 1.0022796, -0.0237278, 2.0851311, -0.5807449, 2.46304, -1.5993412, 3.5935269,
        -1.84762, 1.054733, -0.1249421, 2.2234104, -0.7401103,
      ],
      6,
    );
    expectClose(
      gradients['x']!,
      [
        -2.2666714, 4.0319496, 8.4342817, 8.8698394, 15.3067984, 9.2507365, -1.1560914, -11.0191914, -18.1877257,
        -4.6722965, 11.0405867, 21.5609095, -0.1575762, 2.4977108, 3.9782853, 3.5878101, -1.9814791, 2.9000839,
        6.4176922, 6.9169595, -0.0748515, 0.7709452, 1.2541544, 1.1475152,
      ],
      6,
    );
    expectClose(
      gradients['y.query']!,
      [
        0.8283504, 4.3295225, 5.7944525, 4.534161, 0.4825182, 2.5166255, 3.3671246, 2.6340124, 0.6993277, 1.0350342,
        0.8839479, 0.3171271, -0.8992109, -1.7263225, -1.7415176, -0.9376498,
      ],
      6,
    );
    expectClose(gradients['y.output_bias']!, [13.0098451, -7.3548621, 19.1061674, -8.7006045], 6);
  });

  test('returns the weights of each head', () => {
    const { values, shapes } = runModel({
      inputs: { x: wave([2, 3, 4], 0.5), mask: bools([2, 3], [1, 1, 1, 1, 1, 0]) },
      layers: '  - {name: y, type: multi_head_attention, heads: 2, inputs: [x, mask], masks: 1, return_weights: true}',
      outputs: ['y', 'y.weights'],
      states: TORCH,
    });
    expect(shapes['y.weights']).toEqual([2, 2, 3, 3]);
    expectClose(
      values['y.weights']!.slice(0, 6),
      [0.0501344, 0.2421602, 0.7077054, 0.9614342, 0.0208493, 0.0177164],
      6,
    );
    expectClose(values['y.weights']!.slice(18, 24), [0.998423, 0.001577, 0, 0.0301194, 0.9698806, 0], 6);
  });

  test('takes keys and values of other sizes, and masks that are added', () => {
    const states = {
      'y.query': wave([4, 4], 0.1).values,
      'y.key': wave([4, 3], 0.2).values,
      'y.value': wave([4, 2], 0.3).values,
      'y.output': wave([4, 4], 0.4).values,
    };
    const mask = { ...wave([2, 3], 0.8), shape: [1, 2, 3] };
    const { values } = runModel({
      inputs: { q: wave([1, 2, 4], 0.5), k: wave([1, 3, 3], 0.6), v: wave([1, 3, 2], 0.7), mask },
      layers: '  - {name: y, type: multi_head_attention, heads: 2, bias: false, inputs: [q, k, v, mask], masks: 1}',
      states,
    });
    expectClose(
      values['y']!,
      [1.9056906, -1.4678238, 0.860342, -0.1534432, -0.4132345, 1.1210032, -1.6992339, 2.0811091],
      6,
    );
  });

  test('with as many key heads as heads is what it is without the field, and shares them evenly', () => {
    const run = (fields: string) => (): string =>
      problemOf({
        inputs: { x: wave([1, 2, 6], 0) },
        layers: `  - {name: y, type: multi_head_attention, ${fields}}`,
      });
    expect(run('heads: 4')()).toMatch(/6 features of the query do not divide by 4 heads/);
    expect(run('heads: 3, key_value_heads: 2')()).toMatch(/3 heads cannot share 2 key and value heads evenly/);
    expect(run('heads: 3, output_projection: false, units: 4')()).toMatch(/without `output_projection`/);
    expect(run('heads: 2, rotary: true')()).toMatch(/3 of 3 features cannot be put in pairs/);
    expect(run('heads: 2, masks: 1')()).toMatch(/found 1 inputs, 1 of them masks/);
    expect(run('heads: 2, rotary: {bas: 10}')()).toMatch(/bas/);
  });

  test('sees the order of the inputs: query, key, value', () => {
    const sizes = { q: wave([1, 2, 4], 0), k: wave([1, 3, 4], 1), v: wave([1, 5, 4], 2) };
    const layers = '  - {name: y, type: multi_head_attention, heads: 2, inputs: [q, k, v]}';
    expect(problemOf({ inputs: sizes, layers })).toMatch(/there are 3 keys and 5 values/);
    const batches = { q: wave([2, 2, 4], 0), k: wave([1, 3, 4], 1) };
    const two = '  - {name: y, type: multi_head_attention, heads: 2, inputs: [q, k]}';
    expect(problemOf({ inputs: { ...batches, k: { ...batches.k, shape: [2, 3, 4, 1] } }, layers: two })).toMatch(
      /sequences, of shape \[N, T, C\]/,
    );
  });
});

describe('attention', () => {
  test('is scaled_dot_product_attention, with shared key heads and causal from the start', () => {
    const { values } = runModel({
      inputs: { q: wave([1, 4, 3, 2], 0.1), k: wave([1, 2, 5, 2], 0.2), v: wave([1, 2, 5, 2], 0.3) },
      layers: '  - {name: y, type: attention, causal: true, inputs: [q, k, v]}',
    });
    expectClose(
      values['y']!,
      [
        0.2955202, 0.841471, 0.7359031, 0.736454, 0.4125231, 0.1944719, 0.2955202, 0.841471, 0.5892255, 0.7714318,
        0.620087, 0.560443, 0.8504366, 0.9893582, 0.7298361, 0.3688282, -0.1867463, -0.5314263, 0.8504366, 0.9893582,
        0.7809463, 0.631807, 0.1899739, -0.1352076,
      ],
      6,
    );
  });

  test('gives 0 and no gradient to a query that may attend to nothing', () => {
    const { values, gradients } = runModel({
      inputs: { x: wave([1, 2, 3], 0.1), mask: bools([1, 2, 2], [0, 0, 1, 1]) },
      layers: '  - {name: y, type: attention, inputs: [x, mask], masks: 1}',
    });
    expect(values['y']!.slice(0, 3)).toEqual([0, 0, 0]);
    expect(gradients['x']!.every(Number.isFinite)).toBe(true);
  });

  test('survives scores and masks at the ends of float32', () => {
    const x = { shape: [1, 2, 1], values: [1e4, -1e4] };
    const mask = { shape: [1, 2, 2], values: [0, -Infinity, -Infinity, -Infinity] };
    const { values } = runModel({
      inputs: { x, mask },
      layers: '  - {name: y, type: attention, inputs: [x, mask], masks: 1}',
    });
    expect(values['y']![0]).toBe(1e4);
    expect(Number.isFinite(values['y']![1])).toBe(true);
  });

  test('tells its masks from its other inputs', () => {
    const inputs = { x: wave([2, 3, 4], 0), mask: bools([2, 4], [1, 1, 1, 1, 1, 1, 1, 1]), labels: counting([2, 3]) };
    const wrong = '  - {name: y, type: attention, inputs: [x, mask], masks: 1}';
    expect(problemOf({ inputs, layers: wrong })).toMatch(
      /a mask is \[N, keys\], \[N, queries, keys\] or \[N, heads, queries, keys\], here of \[2, 1, 3, 3\]/,
    );
    const many = '  - {name: y, type: attention, inputs: [x, x, x, x]}';
    expect(problemOf({ inputs, layers: many })).toMatch(/found 4 inputs, 0 of them masks/);
    const integers = '  - {name: y, type: attention, inputs: [x, labels], masks: 1}';
    expect(
      problemOf({ inputs: { ...inputs, labels: { ...inputs.labels, dtype: 'int32' } }, layers: integers }),
    ).toMatch(/a mask is bool/);
  });

  test('has no output called weights unless it is asked for', () => {
    const layers = '  - {name: a, type: attention, inputs: x}\n  - {name: y, type: identity, inputs: a.weights}';
    expect(problemOf({ inputs: { x: wave([1, 2, 3], 0) }, layers })).toMatch(/layer `a` has no output `weights`/);
  });

  test('drops weights in training alone', () => {
    const run = (mode: 'train' | 'eval'): number[] =>
      runModel({
        inputs: { x: { shape: [1, 9, 1], values: Array.from({ length: 9 }, () => 1) } },
        layers: '  - {name: y, type: attention, inputs: x, dropout: 0.5}',
        mode,
      }).values['y']!;
    expectClose(run('eval'), [1, 1, 1, 1, 1, 1, 1, 1, 1]);
    // Sums of dropped and doubled ninths.
    expect(new Set(run('train').map((y) => Math.round(y * 4.5))).size).toBeGreaterThan(2);
    for (const y of run('train')) expect(y * 4.5).toBeCloseTo(Math.round(y * 4.5), 6);
  });
});

test('additive_attention scores by Σ scale · tanh(query + key)', () => {
  const { values } = runModel({
    inputs: { q: wave([1, 2, 3], 0.1), k: wave([1, 3, 3], 0.2), v: wave([1, 3, 2], 0.3) },
    layers: '  - {name: y, type: additive_attention, inputs: [q, k, v]}',
    states: { 'y.scale': wave([3], 0.4).values },
  });
  expectClose(values['y']!, [0.5042573, 0.6528966, 0.4010418, 0.7417934], 6);
});

describe('rotary positions', () => {
  const turned = (fields: string, x: ModelInput): number[] =>
    runModel({ inputs: { x }, layers: `  - {name: y, type: rotary_positions${fields}}` }).values['y']!;

  test('turn each pair like a complex number', () => {
    const [t, c, base] = [3, 4, 100];
    const x = wave([1, t, c], 0.3);
    const expected = (pairs: readonly (readonly [number, number])[]): number[] => {
      const y = [...x.values];
      for (let at = 0; at < t; at++) {
        pairs.forEach(([first, second], i) => {
          const angle = at * base ** ((-2 * i) / c);
          const [re, im] = [x.values[at * c + first]!, x.values[at * c + second]!];
          y[at * c + first] = re * Math.cos(angle) - im * Math.sin(angle);
          y[at * c + second] = re * Math.sin(angle) + im * Math.cos(angle);
        });
      }
      return y;
    };
    expectClose(
      turned(', base: 100', x),
      expected([
        [0, 2],
        [1, 3],
      ]),
    );
    expectClose(
      turned(', base: 100, pairs: neighbours', x),
      expected([
        [0, 1],
        [2, 3],
      ]),
    );
  });

  test('leave the rest of the features, and take the axis of the positions', () => {
    const x = wave([1, 2, 6], 0.2);
    expect(turned(', fraction: 0.34', x).slice(8)).toEqual(x.values.slice(8));
    const heads = { ...x, shape: [1, 2, 3, 2] };
    const swapped = runModel({
      inputs: { x: heads },
      layers:
        '  - {name: a, type: permute, axes: [0, 2, 1, 3]}\n  - {name: b, type: rotary_positions}\n  - {name: y, type: permute, axes: [0, 2, 1, 3]}',
    }).values['y']!;
    expectClose(turned(', axis: 1', heads), swapped);
    expect(problemOf({ inputs: { x }, layers: '  - {name: y, type: rotary_positions, fraction: 0.5}' })).toMatch(
      /3 of 6 features cannot be put in pairs/,
    );
    expect(problemOf({ inputs: { x }, layers: '  - {name: y, type: rotary_positions, axis: -1}' })).toMatch(
      /last axis holds the features/,
    );
  });
});

test('sinusoidal positions are sines and cosines in turn, or in two halves', () => {
  const table = (fields: string): number[] =>
    runModel({
      inputs: { x: wave([1, 3, 4], 0) },
      layers: `  - {name: y, type: sinusoidal_positions, add: false${fields}}`,
    }).values['y']!;
  const { sin, cos } = Math;
  expectClose(table('').slice(4, 12), [
    ...[sin(1), cos(1), sin(0.01), cos(0.01)],
    ...[sin(2), cos(2), sin(0.02), cos(0.02)],
  ]);
  expectClose(table(', order: halves, base: 100').slice(4, 8), [sin(1), sin(0.1), cos(1), cos(0.1)]);
});

test('learned positions are the first rows of their table, and end with it', () => {
  const layers = '  - {name: y, type: learned_positions, max_length: 3}';
  const states = { 'y.positions': [1, 2, 3, 4, 5, 6] };
  const x = { shape: [1, 2, 2], values: [10, 10, 10, 10] };
  const { values, gradients } = runModel({ inputs: { x }, layers, states });
  expect(values['y']).toEqual([11, 12, 13, 14]);
  expect(gradients['y.positions']).toEqual([11, 12, 13, 14, 0, 0]);
  expect(problemOf({ inputs: { x: wave([1, 4, 2], 0) }, layers })).toMatch(/4 positions, more than 3/);
});

test("relative_position_bias numbers offsets as Swin's index does", () => {
  const { values, shapes } = runModel({
    inputs: { x: wave([1, 1], 0) },
    layers: '  - {name: y, type: relative_position_bias, heads: 1, window: 2}',
    states: { 'y.table': [0, 1, 2, 3, 4, 5, 6, 7, 8] },
  });
  expect(shapes['y']).toEqual([1, 1, 4, 4]);
  expect(values['y']).toEqual([4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4]);
});

test('alibi_bias has the slopes of the paper, also for heads that are no power of two', () => {
  const slopes = (heads: number): number[] => {
    const { values } = runModel({
      inputs: { x: wave([1, 2, 1], 0) },
      layers: `  - {name: y, type: alibi_bias, heads: ${heads}}`,
    });
    return values['y']!.filter((_, i) => i % 4 === 1);
  };
  expectClose(slopes(4), [-0.25, -0.0625, -0.015625, -0.00390625]);
  expectClose(slopes(6), [-0.25, -0.0625, -0.015625, -0.00390625, -0.5, -0.125]);
});

test('class_token puts its tokens at the start or the end of every sample', () => {
  const run = (fields: string): number[] =>
    runModel({
      inputs: { x: counting([2, 1, 2]) },
      layers: `  - {name: y, type: class_token${fields}}`,
      states: { 'y.token': [8, 9] },
    }).values['y']!;
  expect(run('')).toEqual([8, 9, 0, 1, 8, 9, 2, 3]);
  expect(run(', place: end')).toEqual([0, 1, 8, 9, 2, 3, 8, 9]);
});

test('sequence_mask is true before the length', () => {
  const lengths = { shape: [3], values: [0, 2, 9], dtype: 'int32' };
  const inputs = { lengths, steps: wave([3, 3, 1], 0) };
  const run = (layer: string): number[] =>
    runModel({ inputs, layers: `  - {name: y, type: sequence_mask, ${layer}}` }).values['y']!;
  expect(run('inputs: [lengths, steps]')).toEqual([0, 0, 0, 1, 1, 0, 1, 1, 1]);
  expect(run('inputs: lengths, length: 2')).toEqual([0, 0, 1, 1, 1, 1]);
  const problem = (layer: string): string =>
    problemOf({ inputs, layers: `  - {name: y, type: sequence_mask, ${layer}}` });
  expect(problem('inputs: lengths')).toMatch(/needs `length`/);
  expect(problem('inputs: [lengths, steps], length: 2')).toMatch(/the second input says/);
  expect(problem('inputs: steps, length: 2')).toMatch(/lengths are integers/);
});

test('windows of an image attend among themselves, with a learned bias: Swin', () => {
  const layers = `
  - {name: shifted, type: roll, axes: [2, 3], shift: [-1, -1]}
  - {name: cut, type: reshape, shape: [0, 4, 3, 2, 2, 2]}
  - {name: order, type: permute, axes: [0, 2, 4, 3, 5, 1]}
  - {name: windows, type: reshape, shape: [-1, 4, 4]}
  - {name: bias, type: relative_position_bias, heads: 2, window: 2}
  - {name: attention, type: multi_head_attention, heads: 2, inputs: [windows, bias], masks: 1}
  - {name: uncut, type: reshape, shape: [-1, 3, 2, 2, 2, 4], inputs: attention}
  - {name: back, type: permute, axes: [0, 5, 1, 3, 2, 4]}
  - {name: joined, type: reshape, shape: [0, 0, 6, 4]}
  - {name: y, type: roll, axes: [2, 3], shift: [1, 1]}`;
  const { 'y.query': query, 'y.key': key, 'y.value': value, 'y.output': output } = TORCH;
  const weights = { query, key, value, output };
  const states = {
    ...Object.fromEntries(Object.entries(weights).map(([name, of]) => [`attention.${name}`, of])),
    ...Object.fromEntries(Object.keys(weights).map((name) => [`attention.${name}_bias`, [0, 0, 0, 0]])),
    'bias.table': wave([18], 0.6).values,
  };
  const x = wave([1, 4, 6, 4], 0.1);
  const run = (values: readonly number[]): number[] =>
    runModel({ inputs: { x: { ...x, values } }, layers, states }).values['y']!;
  const before = run(x.values);
  // The pixel (1, 1) is in the window of rows 1, 2 and columns 1, 2: nothing else moves.
  const after = run(x.values.map((v, i) => (i % 24 === 5 ? v + 1 : v)));
  const moved = new Set([...before.keys()].filter((i) => before[i] !== after[i]).map((i) => i % 24));
  expect(moved).toEqual(new Set([5, 6, 9, 10]));
});
