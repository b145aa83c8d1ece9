/** Convolutions of all kinds against PyTorch's (torch 2.13, float64) on the numbers of `wave`. */
import { expectClose, runLayer, shapeOf } from '../support/layer';
import { wave } from '../support/wave';

const near = (found: readonly number[], expected: readonly number[]): void => expectClose(found, expected, 6);

test('conv1d, strided, dilated and padded', () => {
  const found = runLayer({
    x: wave(10),
    shape: [1, 2, 5],
    layers: 'type: conv1d, filters: 3, kernel: 3, stride: 2, padding: 2, dilation: 2',
    states: { 'y.weight': wave(18, 1), 'y.bias': wave(3, 2) },
  });
  expect(found.shape).toEqual([1, 3, 3]);
  near(found.values, [0.1428, -0.4996, -0.9908, -0.2496, 1.1056, -0.1868, 0.6104, 1.7816, 0.6172]);
  near(found.gradient, [0.18, 0, -0.44, 0, 0.58, 1.38, 0, 1.36, 0, 1.78]);
});

test('conv3d, padded on one axis', () => {
  const found = runLayer({
    x: wave(12),
    shape: [1, 1, 2, 3, 2],
    layers: 'type: conv3d, filters: 1, kernel: [2, 2, 1], padding: [0, 1, 0]',
    states: { 'y.weight': wave(4, 1), 'y.bias': wave(1, 2) },
  });
  expect(found.shape).toEqual([1, 1, 1, 4, 2]);
  near(found.values, [-0.156, -0.5556, -0.6592, 0.032, -0.3676, 0.3236, -0.184, -1.6788]);
});

test('a causal convolution sees nothing of what comes after', () => {
  const layers = 'type: conv1d, filters: 1, kernel: 3, dilation: 2, padding: causal, bias: false';
  const states = { 'y.weight': [100, 10, 1] };
  expect(runLayer({ x: [1, 2, 3, 4, 5, 6], shape: [1, 1, 6], layers, states }).values).toEqual([
    1, 2, 13, 24, 135, 246,
  ]);
  expect(shapeOf([2, 3, 7], 'type: conv1d, filters: 4, kernel: 3, padding: causal, stride: 2')).toEqual([2, 4, 4]);
});

test('a sequence is padded on the left and the right', () => {
  const layers = 'type: conv1d, filters: 1, kernel: 2, padding: [1, 0], bias: false';
  const states = { 'y.weight': [10, 1] };
  expect(runLayer({ x: [1, 2, 3], shape: [1, 1, 3], layers, states }).values).toEqual([1, 12, 23]);
});

test.each([
  ['reflect', [-1.0952, 0, 1.0952, -0.3996, 0, 0.3996]],
  ['edge', [0, 0.5476, 1.0952, -0.3996, -0.9472, 0]],
  ['wrap', [-1.0952, 0.3996, 1.0952, -0.3996, -1.0952, 0.3996]],
])('a border of mode %s takes the place of zeros', (mode, expected) => {
  const found = runLayer({
    x: wave(4),
    shape: [1, 1, 4],
    layers: `type: conv1d, filters: 1, kernel: 3, padding: 2, padding_mode: ${mode}, bias: false`,
    states: { 'y.weight': wave(3, 1) },
  });
  near(found.values, expected);
});

test('depthwise_conv1d puts the outputs of a channel side by side', () => {
  const found = runLayer({
    x: wave(8),
    shape: [1, 2, 4],
    layers: 'type: depthwise_conv1d, kernel: 2, multiplier: 2',
    states: { 'y.weight': wave(8, 1), 'y.bias': wave(4, 2) },
  });
  expect(found.shape).toEqual([1, 4, 3]);
  near(found.values, [0.26, -0.2876, -0.8352, -0.3396, -0.1916, 1.0472, 1.6272, 0.572, 1.0116, 0.0124, -0.7512, -0.02]);
});

test('separable_conv2d is a depthwise convolution and one of kernel 1', () => {
  const states = { 'a.weight': wave(16, 1), 'y.weight': wave(12, 2), 'y.bias': wave(3, 3) };
  const apart = runLayer({
    x: wave(24),
    shape: [1, 2, 3, 4],
    layers:
      '  - {name: a, type: depthwise_conv2d, kernel: 2, multiplier: 2, bias: false}\n' +
      '  - {name: y, type: conv2d, filters: 3, kernel: 1}',
    states,
  });
  const joined = runLayer({
    x: wave(24),
    shape: [1, 2, 3, 4],
    layers: 'type: separable_conv2d, filters: 3, kernel: 2, multiplier: 2',
    states: {
      'y.depthwise_weight': states['a.weight'],
      'y.pointwise_weight': states['y.weight'],
      'y.bias': states['y.bias'],
    },
  });
  expect(joined.values).toEqual(apart.values);
  expect(joined.gradient).toEqual(apart.gradient);
});

test('conv_transpose1d with groups, padding and output_padding', () => {
  const found = runLayer({
    x: wave(6),
    shape: [1, 2, 3],
    layers: 'type: conv_transpose1d, filters: 4, kernel: 3, stride: 2, padding: 1, output_padding: 1, groups: 2',
    states: { 'y.weight': wave(12, 1), 'y.bias': wave(4, 2) },
  });
  expect(found.shape).toEqual([1, 4, 6]);
  near(
    found.values,
    [
      -0.48, -1.0276, -0.48, -1.0276, -0.48, -0.1248, 0.06, -0.5396, 0.208, -0.2436, 0.356, 0.7112, 0.68, 1.7244, 0.976,
      0.8216, 1.272, 0.4016, -0.76, 0.2724, -0.316, -0.3344, 0.128, -0.7424,
    ],
  );
  near(found.gradient, [1.88, 0.6, 0.6, -0.56, -1.04, -1.04]);
});

test('conv_transpose2d, dilated, with a stride for each axis', () => {
  const found = runLayer({
    x: wave(8),
    shape: [1, 2, 2, 2],
    layers:
      'type: conv_transpose2d, filters: 1, kernel: [3, 2], stride: [2, 1], padding: [1, 0], dilation: [1, 2], bias: false',
    states: { 'y.weight': wave(12, 1) },
  });
  expect(found.shape).toEqual([1, 1, 3, 4]);
  near(
    found.values,
    [-0.6872, -0.7908, 0.5484, 0.0452, -0.3872, 0.9004, -1.1392, -0.6508, 0.8832, -0.7152, -0.1752, 0.4124],
  );
});

test('a transposed convolution with padding: same makes input · stride', () => {
  for (const [kernel, stride] of [
    [3, 2],
    [2, 2],
    [4, 2],
    [1, 3],
    [5, 3],
  ]) {
    const fields = `type: conv_transpose2d, filters: 2, kernel: ${kernel}, stride: ${stride}, padding: same`;
    expect(shapeOf([1, 3, 5, 4], fields)).toEqual([1, 2, 5 * stride!, 4 * stride!]);
  }
  // The odd one is cut off at the end, as it is added there by the convolution: kernel 3, stride 2 starts at the edge.
  const layers = 'type: conv_transpose1d, filters: 1, kernel: 3, stride: 2, padding: same, bias: false';
  const states = { 'y.weight': [1, 2, 3] };
  expect(runLayer({ x: [1, 10], shape: [1, 1, 2], layers, states }).values).toEqual([1, 2, 13, 20]);
});

test('mistakes are reported at the field', () => {
  expect(shapeOf([1, 1, 4, 4], 'type: conv2d, filters: 1, kernel: 3, padding_mode: reflect')).toMatch(
    /there is no padding that could hold anything \[invalid-field\]/,
  );
  expect(shapeOf([1, 1, 2], 'type: conv1d, filters: 1, kernel: 3, padding: 2, padding_mode: reflect')).toMatch(
    /a border of 2 along axis 2 with `reflect` needs more than its 2 elements/,
  );
  const transposed = 'type: conv_transpose2d, filters: 1, kernel: 2';
  expect(shapeOf([1, 1, 3, 3], `${transposed}, stride: 2, output_padding: 2`)).toMatch(
    /2 is not smaller than the stride 2/,
  );
  expect(shapeOf([1, 1, 3, 3], `${transposed}, stride: 2, padding: same, output_padding: 1`)).toMatch(
    /the output is input · stride already/,
  );
  expect(shapeOf([1, 1, 2, 2], `${transposed}, padding: 2`)).toMatch(
    /nothing is left of the output: its extents would be -1×-1/,
  );
  expect(shapeOf([1, 3, 4, 4], 'type: conv_transpose2d, filters: 4, kernel: 2, groups: 2')).toMatch(
    /2 groups do not divide the 3 channels of the input/,
  );
  expect(shapeOf([1, 3, 4, 4], 'type: conv1d, filters: 4, kernel: 2')).toMatch(
    /it works on sequences of shape \[N, C, L\]/,
  );
  expect(shapeOf([1, 3, 4], 'type: conv1d, filters: 4, kernel: 5')).toMatch(
    /kernel 5 does not fit into a sequence of 4/,
  );
});
