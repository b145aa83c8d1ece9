/** Shapes and paddings of conv2d; its arithmetic is tested with the op. */
import { expectClose, runLayer, shapeOf } from '../support/layer';

const conv = (fields: string): string => `type: conv2d, filters: 4, ${fields}`;

test('the output size follows kernel, stride, dilation and padding', () => {
  expect(shapeOf([2, 3, 9, 8], conv('kernel: 3'))).toEqual([2, 4, 7, 6]);
  expect(shapeOf([2, 3, 9, 8], conv('kernel: [3, 5], stride: [2, 1]'))).toEqual([2, 4, 4, 4]);
  expect(shapeOf([2, 3, 9, 8], conv('kernel: 3, dilation: 2'))).toEqual([2, 4, 5, 4]);
  expect(shapeOf([2, 3, 9, 8], conv('kernel: 3, padding: [[1, 0], [2, 1]]'))).toEqual([2, 4, 8, 9]);
  expect(shapeOf([2, 3, 9, 8], conv('kernel: 3, padding: [0, 1]'))).toEqual([2, 4, 7, 8]);
  expect(shapeOf([2, 3, 9, 8], conv('kernel: 3, padding: valid'))).toEqual([2, 4, 7, 6]);
});

test('padding: same makes the output ceil(input / stride) large', () => {
  for (const [size, stride] of [
    [5, 1],
    [5, 2],
    [4, 2],
    [7, 3],
    [1, 2],
  ] as const) {
    const out = Math.ceil(size / stride);
    const fields = conv(`kernel: 3, stride: ${stride}, padding: same`);
    expect(shapeOf([1, 3, size, size], fields)).toEqual([1, 4, out, out]);
  }
  expect(shapeOf([1, 3, 9, 9], conv('kernel: 3, dilation: 3, padding: same'))).toEqual([1, 4, 9, 9]);
});

test('padding: same puts the odd zero at the bottom and the right', () => {
  const layers = 'type: conv2d, filters: 1, kernel: 2, padding: same, bias: false';
  const states = { 'y.weight': [1, 0, 0, 0] };
  // The kernel picks the top left pixel of its window: no padding before the image, so the image itself comes out.
  expect(runLayer({ x: [1, 2, 3, 4], shape: [1, 1, 2, 2], layers, states }).values).toEqual([1, 2, 3, 4]);
});

test('groups split the channels', () => {
  const layers = 'type: conv2d, filters: 2, kernel: 1, groups: 2';
  const states = { 'y.weight': [10, 100], 'y.bias': [1, 2] };
  expectClose(runLayer({ x: [1, 2, 3, 4], shape: [1, 2, 1, 2], layers, states }).values, [11, 21, 302, 402]);
});

test('mistakes are reported at the field, or with the shape of the input', () => {
  expect(shapeOf([1, 3, 8, 8], conv('kernel: 3, groups: 2'))).toMatch(
    /layer\.yaml:2:.*2 groups do not divide the 3 channels of the input \[invalid-field\]/,
  );
  expect(shapeOf([1, 4, 8, 8], 'type: conv2d, filters: 6, kernel: 3, groups: 4')).toMatch(
    /4 groups do not divide the 6 filters/,
  );
  expect(shapeOf([1, 3, 4, 4], conv('kernel: 5'))).toMatch(
    /kernel 5×5 does not fit into an image of 4×4, padding included: `x` is \[1, 3, 4, 4\] \[shape-mismatch\]/,
  );
  expect(shapeOf([1, 3, 4, 4], conv('kernel: 1, stride: 2147483648'))).toMatch(
    /a stride of 2147483648 is too large; the limit is 2147483647 \[invalid-field\]/,
  );
  expect(shapeOf([1, 3, 4, 4], conv('kernel: 1, dilation: 2147483648'))).toMatch(
    /a dilation of 2147483648 is too large/,
  );
  expect(shapeOf([1, 3], conv('kernel: 1'))).toMatch(
    /images of shape \[N, C, H, W\]: `x` is \[1, 3\] \[shape-mismatch\]/,
  );
});
