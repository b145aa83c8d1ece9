/** Reductions against PyTorch 2.13 in float64, with their gradients. */
import { expectClose, runLayer, shapeOf } from '../support/layer';

const X = [1, -2, 3, 0.5, 4, -1];

test.each([
  ['sum', [5.5], [1, 1, 1, 1, 1, 1]],
  ['mean, axes: -1, keepdims: true', [2 / 3, 7 / 6], [1 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3]],
  ['max, axes: 2', [3, 4], [0, 0, 1, 0, 1, 0]],
  ['min, axes: 1', [0.5, -2, -1], [0, 1, 0, 1, 0, 1]],
  ['prod, axes: 2', [-6, -2], [-6, 3, -2, -4, -0.5, 2]],
  ['l1_norm, axes: 2', [6, 5.5], [1, -1, 1, 1, 1, -1]],
  [
    'l2_norm, axes: 2',
    [3.7416573868, 4.1533119315],
    [0.2672612419, -0.5345224838, 0.8017837257, 0.1203858531, 0.9630868247, -0.2407717062],
  ],
  ['sum_squares, axes: 2', [14, 17.25], [2, -4, 6, 1, 8, -2]],
  [
    'log_sum_exp, axes: 2',
    [3.1328452337, 4.0362695651],
    [0.1184996545, 0.0058997504, 0.8756005951, 0.0291217615, 0.9643802951, 0.0064979433],
  ],
  [
    'variance, axes: 2',
    [4.2222222222, 4.3888888889],
    [0.2222222222, -1.7777777778, 1.5555555556, -0.4444444444, 1.8888888889, -1.4444444444],
  ],
  [
    'variance, axes: 2, correction: 1',
    [6.3333333333, 6.5833333333],
    [0.3333333333, -2.6666666667, 2.3333333333, -0.6666666667, 2.8333333333, -2.1666666667],
  ],
  [
    'std, axes: 2, correction: 1',
    [2.5166114784, 2.5658007197],
    [0.0662266179, -0.5298129428, 0.463586325, -0.1299139605, 0.5521343321, -0.4222203716],
  ],
])('reduce_%s', (type, values, gradient) => {
  const found = runLayer({ x: X, shape: [1, 2, 3], layers: `type: reduce_${type}` });
  expectClose(found.values, values);
  expectClose(found.gradient, gradient);
});

test('lengths and deviations of 0 have gradient 0', () => {
  for (const [type, value] of [
    ['l2_norm', 0],
    ['std', 2],
  ] as const) {
    const found = runLayer({ x: [value, value, value], shape: [1, 3], layers: `type: reduce_${type}` });
    expect([found.values, found.gradient]).toEqual([[0], [0, 0, 0]]);
  }
});

test('log_sum_exp neither overflows nor stumbles over what is masked', () => {
  const run = (x: readonly number[]): readonly number[] =>
    runLayer({ x, shape: [1, x.length], layers: 'type: reduce_log_sum_exp' }).values;
  expectClose(run([1000, 1000]), [1000 + Math.LN2]);
  expectClose(run([-1000, -1000]), [-1000 + Math.LN2]);
  expectClose(run([-Infinity, 1]), [1]);
  expect(run([-Infinity, -Infinity])).toEqual([-Infinity]);
});

test('quantifiers reduce bools', () => {
  const run = (type: string, x: readonly number[]): readonly number[] =>
    runLayer({
      x,
      shape: [1, 2, 2],
      layers: `  - {name: k, type: greater, value: 0}\n  - {name: y, type: reduce_${type}, axes: 2}`,
    }).values;
  expect(run('any', [-1, -1, -1, 1])).toEqual([0, 1]);
  expect(run('all', [-1, 1, 1, 1])).toEqual([0, 1]);
  expect(shapeOf([1, 2], 'type: reduce_any')).toMatch(/works on bools: `x` is float32/);
});

test('axes are all but the first unless given, and each once', () => {
  expect(shapeOf([2, 3, 4], 'type: reduce_sum')).toEqual([2]);
  expect(shapeOf([2, 3, 4], 'type: reduce_sum, axes: 0')).toEqual([3, 4]);
  expect(shapeOf([2, 3, 4], 'type: reduce_sum, axes: [2, 0], keepdims: true')).toEqual([1, 3, 1]);
  expect(shapeOf([2], 'type: reduce_sum')).toMatch(/no axis to reduce but the first/);
  expect(shapeOf([2, 3], 'type: reduce_sum, axes: [1, -1]')).toMatch(/axis -1 is named twice/);
  expect(shapeOf([2, 3], 'type: reduce_sum, axes: [0, 2]')).toMatch(/axis 2 is not among the axes 0 to 1/);
  expect(shapeOf([2, 3], 'type: reduce_variance, correction: 3')).toMatch(/there are only 3 elements/);
});
