/** Poolings against PyTorch's (torch 2.13): rounding up, padding, what counts in the divisor. */
import { expectClose, runLayer, shapeOf } from '../support/layer';

const counting = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const FIVE = { x: counting(25), shape: [1, 1, 5, 5] };

test('the stride of a pooling is its kernel unless said', () => {
  expect(shapeOf([1, 1, 6, 9], 'type: max_pool2d, kernel: [2, 3]')).toEqual([1, 1, 3, 3]);
  expect(shapeOf([1, 1, 5, 5], 'type: max_pool2d, kernel: 2')).toEqual([1, 1, 2, 2]);
});

test('ceil mode keeps the windows that hang over the edge', () => {
  const found = runLayer({ ...FIVE, layers: 'type: max_pool2d, kernel: 2, ceil_mode: true' });
  expect(found.shape).toEqual([1, 1, 3, 3]);
  expect(found.values).toEqual([6, 8, 9, 16, 18, 19, 21, 23, 24]);
});

test('ceil mode drops a window that would start in the padding', () => {
  expect(shapeOf([1, 1, 3, 3], 'type: max_pool2d, kernel: 2, stride: 2, padding: 1, ceil_mode: true')).toEqual([
    1, 1, 2, 2,
  ]);
  expect(shapeOf([1, 1, 4, 4], 'type: max_pool2d, kernel: 1, stride: 3, ceil_mode: true')).toEqual([1, 1, 2, 2]);
});

test('an average counts padding unless told, and never what hangs over it', () => {
  const pool = (fields: string): number[] => runLayer({ ...FIVE, layers: `type: avg_pool2d, ${fields}` }).values;
  expectClose(pool('kernel: 2, ceil_mode: true'), [3, 5, 6.5, 13, 15, 16.5, 20.5, 22.5, 24]);
  const padded = 'kernel: 3, stride: 2, padding: 1, ceil_mode: true';
  expectClose(pool(padded), [4 / 3, 3, 8 / 3, 7, 12, 9, 8, 13, 28 / 3]);
  expectClose(pool(`${padded}, count_include_pad: false`), [3, 4.5, 6, 10.5, 12, 13.5, 18, 19.5, 21]);
});

test('an average with padding and overhang at once is that of PyTorch', () => {
  const layers = 'type: avg_pool2d, kernel: 3, stride: 2, padding: 1, ceil_mode: true';
  const found = runLayer({ x: counting(36), shape: [1, 1, 6, 6], layers });
  expect(found.shape).toEqual([1, 1, 4, 4]);
  expectClose(
    found.values,
    [
      1.5555555556, 3.3333333333, 4.6666666667, 2.6666666667, 8.3333333333, 14, 16, 8.5, 16.3333333333, 26, 28, 14.5,
      10.1666666667, 16, 17, 8.75,
    ],
  );
});

test('global poolings give one number a channel', () => {
  const x = [1, 2, 3, 4, /**/ 8, 8, -8, 0];
  const average = runLayer({ x, shape: [1, 2, 2, 2], layers: 'type: global_avg_pool2d' });
  expect([average.shape, average.values]).toEqual([
    [1, 2],
    [2.5, 2],
  ]);
  const maximum = runLayer({ x, shape: [1, 2, 2, 2], layers: 'type: global_max_pool2d, keepdims: true' });
  expect([maximum.shape, maximum.values]).toEqual([
    [1, 2, 1, 1],
    [4, 8],
  ]);
  expect(maximum.gradient).toEqual([0, 0, 0, 1, 1, 0, 0, 0]);
});

test('a pooling of nothing but padding is refused', () => {
  expect(shapeOf([1, 1, 5, 5], 'type: max_pool2d, kernel: 2, padding: 2')).toMatch(
    /nothing but padding.*invalid-field/,
  );
});
