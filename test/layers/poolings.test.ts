/** The poolings beyond maximum and mean of windows, against PyTorch's (torch 2.13) on the numbers of `wave`. */
import { expectClose, runLayer, shapeOf } from '../support/layer';
import { wave } from '../support/wave';

const near = (found: readonly number[], expected: readonly number[]): void => expectClose(found, expected, 6);
const FOUR = { x: wave(16), shape: [1, 1, 4, 4] };
const UNEVEN = { x: wave(35), shape: [1, 1, 5, 7] };

test('adaptive averages weigh elements that windows share', () => {
  const found = runLayer({ ...UNEVEN, layers: 'type: adaptive_avg_pool2d, size: [2, 3]' });
  near(found.values, [-0.017777778, -0.10888889, 0.024444444, 0.017777778, 0.15111111, 0.06]);
  const once = [1, 1, 2, 1, 2, 1, 1].map((n) => n / 9);
  near(found.gradient, [...once, ...once, ...once.map((n) => 2 * n), ...once, ...once]);
});

test('adaptive maxima give each gradient to one element', () => {
  const found = runLayer({ ...UNEVEN, layers: 'type: adaptive_max_pool2d, size: [2, 3]' });
  near(found.values, [0.88, 0.74, 0.94, 1, 1, 0.94]);
  const expected = Array<number>(35).fill(0);
  expected[8] = expected[16] = 1;
  expected[19] = expected[30] = 2;
  near(found.gradient, expected);
});

test('an adaptive pooling may make more of less', () => {
  const run = (type: string): number[] =>
    runLayer({ x: wave(3), shape: [1, 1, 3], layers: `type: ${type}, size: 5` }).values;
  near(run('adaptive_avg_pool1d'), [-1, -0.63, -0.26, 0.11, 0.48]);
  near(run('adaptive_max_pool1d'), [-1, -0.26, -0.26, 0.48, 0.48]);
});

test('the index of a max pooling is a position in the plane, and unpooling goes back there', () => {
  const layers = '  - {name: p, type: max_pool2d, kernel: 3, stride: 2, padding: 1}\n';
  const index = runLayer({ ...FOUR, layers: `${layers}  - {name: y, type: identity, inputs: p.index}` });
  expect(index.values).toEqual([5, 5, 8, 5]);
  const pooled = '  - {name: p, type: max_pool2d, kernel: 2}\n';
  const up = runLayer({
    ...FOUR,
    layers: `${pooled}  - {name: y, type: max_unpool2d, inputs: [p, p.index], kernel: 2}`,
  });
  near(up.values, [0, 0, 0.48, 0, 0, 0.68, 0, 0, 0.88, 0, 0.34, 0, 0, 0, 0, 0]);
  // Gradients pass through the places that won.
  near(up.gradient, [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
});

test('an average has the divisor it is given', () => {
  const { values } = runLayer({ ...FOUR, layers: 'type: avg_pool2d, kernel: 2, stride: 1, padding: 1, divisor: 3' });
  near(
    values,
    [
      -0.33333333, -0.42, 0.073333333, -0.10666667, -0.26666667, -0.35333333, -0.21333333, 0.1, -0.26, -0.22,
      0.27333333, 0.36666667, 0.0066666667, -0.35333333, -0.26666667, 0.22666667, 0.27333333, -0.086666667, -0.44666667,
      -0.31333333, -0.066666667, 0.11333333, -0.066666667, -0.24666667, 0,
    ],
  );
});

test('poolings of volumes', () => {
  const volume = { x: wave(24), shape: [1, 1, 2, 3, 4] };
  near(
    runLayer({ ...volume, layers: 'type: max_pool3d, kernel: 2, stride: 1' }).values,
    [0.74, 0.68, 0.94, 0.88, 0.68, 0.94],
  );
  const layers = 'type: avg_pool3d, kernel: 2, stride: 1, padding: [0, 1, 0], count_include_pad: false';
  near(
    runLayer({ ...volume, layers }).values,
    [-0.23, 0.005, -0.265, -0.0125, -0.03, -0.0475, 0.17, -0.1, -0.1175, 0.135, -0.135, -0.405],
  );
});

test('power norms, with a gradient of 0 where a window is all zeros', () => {
  const two = runLayer({ x: wave(6), shape: [1, 1, 6], layers: 'type: lp_pool1d, kernel: 2' });
  near(two.values, [1.0332473, 0.9329523, 0.68264193]);
  near(two.gradient, [-0.96782251, -0.25163385, 0.51449576, -0.85749293, -0.08789381, 0.99612985]);
  const three = runLayer({ x: wave(6), shape: [1, 1, 6], layers: 'type: lp_pool1d, kernel: 2, norm: 3' });
  near(three.values, [1.0058247, 0.85388853, 0.68015567]);
  const zeros = runLayer({ x: [0, 0, 3, 4], shape: [1, 1, 4], layers: 'type: lp_pool1d, kernel: 2' });
  expectClose(zeros.values, [0, 5]);
  expectClose(zeros.gradient, [0, 0, 0.6, 0.8]);
});

test('stochastic pooling draws in proportion, and predicts the weighted mean', () => {
  const count = 4000;
  const x = Array.from({ length: count }, () => [1, 3, -5, 0]).flat();
  const pool = 'type: stochastic_pool2d, kernel: 2';
  const train = runLayer({ x, shape: [1, count, 2, 2], layers: pool, mode: 'train' });
  expect(new Set(train.values)).toEqual(new Set([1, 3]));
  const threes = train.values.filter((value) => value === 3).length / count;
  // Three standard deviations.
  expect(Math.abs(threes - 0.75)).toBeLessThan(3 * Math.sqrt((0.75 * 0.25) / count));
  expect(train.gradient.slice(0, 4)).toEqual(train.values[0] === 3 ? [0, 1, 0, 0] : [1, 0, 0, 0]);
  const predict = runLayer({ x: x.slice(0, 4), shape: [1, 1, 2, 2], layers: pool });
  expect(predict.values).toEqual([(1 + 9) / 4]);
  expect(runLayer({ x: [0, -1, 0, 0], shape: [1, 1, 2, 2], layers: pool }).values).toEqual([0]);
});

test('a pyramid strings its levels together', () => {
  const x = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const run = (fields: string): number[] =>
    runLayer({ x, shape: [1, 1, 3, 3], layers: `type: spatial_pyramid_pool, ${fields}` }).values;
  expect(run('height: 2')).toEqual([9, 5, 6, 8, 9]);
  expectClose(run('height: 2, method: average'), [5, 3, 4, 6, 7]);
  // Caffe's windows of 2 over an image with a row and a column of padding before it.
  expect(run('height: 2, windows: padded')).toEqual([9, 1, 3, 7, 9]);
  expectClose(run('height: 2, windows: padded, method: average'), [5, 1 / 4, 5 / 4, 11 / 4, 28 / 4]);
  expect(shapeOf([2, 3, 13, 9], 'type: spatial_pyramid_pool, height: 3')).toEqual([2, 63]);
});

test('mistakes are reported at the field, or with the shape', () => {
  expect(shapeOf([1, 1, 4, 4], 'type: avg_pool2d, kernel: 2, divisor: 3, count_include_pad: true')).toMatch(
    /nothing is counted, as `divisor` says what to divide by/,
  );
  expect(shapeOf([1, 1, 5, 5], 'type: spatial_pyramid_pool, height: 3, windows: padded')).toMatch(
    /a window of its 4×4 level, 2×2 large, would hold nothing but padding/,
  );
  const unpool = (fields: string): ReturnType<typeof shapeOf> =>
    shapeOf(
      [1, 1, 4, 4],
      `  - {name: p, type: max_pool2d, kernel: 2}\n  - {name: y, type: max_unpool2d, inputs: [p, p.index]${fields}}`,
    );
  expect(unpool(', size: [5, 4]')).toEqual([1, 1, 5, 4]);
  expect(unpool('')).toMatch(/it needs the `kernel` of the pooling, or a `size`/);
  expect(unpool(', size: 5, stride: 2')).toMatch(/the output is as large as `size` says/);
  expect(unpool(', kernel: 1, padding: 1')).toMatch(/the output would be 0×0/);
});
