/** Local contrast normalization: takes off the surroundings' mean and divides by their deviation. */
import type { Value } from '../../ir/graph';
import type { LowerContext } from '../define';
import { defineLayer } from '../define';
import { numberOf, positive } from '../fields';
import { requireSpatial } from '../window';
import { epsilonField } from './affine';
import { tableOf } from '../table';

export const localContrast = defineLayer({
  type: 'local_contrast',
  summary: 'Takes off the weighted mean of the surroundings over all channels, and divides by their deviation.',
  details: [
    'Input [N, C, H, W], output alike: v = x − Σ w·x and y = v / max(d, mean(d), epsilon) with d = √(Σ w·v²). The sums are over all channels and a square of `size`·`size` pixels, with a Gaussian w that sums to 1; at the edges what is left of it is scaled up to 1. mean(d) is over the pixels of an image. No weights (Jarrett et al. 2009).',
    "It is the subtractive and the divisive half of Torch 7's SpatialContrastiveNormalization in one; Caffe, Keras and PyTorch have none.",
  ].join('\n\n'),
  example: '{name: norm0, type: local_contrast, size: 7}',
  fields: {
    size: positive('Side of the square, odd.', { default: 9 }),
    sigma: {
      description: 'Standard deviation of the Gaussian in pixels; a quarter of the size unless said.',
      type: 'number',
      exclusiveMinimum: 0,
    },
    epsilon: epsilonField(1e-4, 'Least deviation that is divided by.'),
  },
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const x = inputs[0]!;
    const { channels, size: extents } = requireSpatial(context, x, 2);
    const size = numberOf(fields, 'size');
    if (size % 2 === 0) context.fail(['size'], `size ${size} is even: no pixel is in the middle`, 'use an odd size');
    if (size > LARGEST_SIZE) context.fail(['size'], `size ${size} is too large; the limit is ${LARGEST_SIZE}`);
    const surroundings = weightedMean(context, channels, extents, size);
    const centred = b.op('sub', [x, surroundings(x)]);
    const variance = surroundings(b.op('square', [centred]));
    // A root has no slope at 0.
    const some = b.op('greater', [variance, b.full(0)]);
    const root = b.op('sqrt', [b.op('where', [some, variance, b.full(1)])]);
    const deviation = b.op('where', [some, root, b.full(0)]);
    const sum = b.op('reduce_sum', [deviation], { axes: [1, 2, 3], keepdims: true });
    const mean = b.op('mul', [sum, b.full(1 / extents.reduce((product, extent) => product * extent, 1))]);
    const least = b.op('maximum', [mean, b.full(numberOf(fields, 'epsilon'))]);
    return b.op('div', [centred, b.op('maximum', [deviation, least])]);
  },
  samples: [
    { inputs: [{ shape: ['N', 2, 3, 5] }], fields: { size: 3 } },
    { inputs: [{ shape: ['N', 1, 3, 4] }], fields: { size: 5, sigma: 0.8, epsilon: 2 } },
  ],
});

/** The kernel is a constant of the plan. */
const LARGEST_SIZE = 101;

/** [N, C, H, W] to [N, 1, H, W]: a convolution with the Gaussian, divided by how much of it lies in the image. */
function weightedMean(
  { b, fields }: LowerContext,
  channels: number,
  extents: readonly number[],
  size: number,
): (x: Value) => Value {
  const sigma = fields['sigma'] === undefined ? size / 4 : numberOf(fields, 'sigma');
  const side = (size - 1) / 2;
  const bell = tableOf(size, (i) => Math.exp(-((i - side) ** 2) / (2 * sigma ** 2)));
  const plane = bell.flatMap((row) => bell.map((column) => row * column));
  const weight = b.constant(tableOf(channels, () => plane).flat(), [1, channels, size, size]);
  const [height = [], width = []] = extents.map((extent) =>
    tableOf(extent, (at) => bell.slice(Math.max(0, side - at), side + extent - at).reduce(plus)),
  );
  const shares = height.flatMap((row) => width.map((column) => 1 / (channels * row * column)));
  const share = b.constant(shares, [1, 1, ...extents]);
  const both = (n: number): readonly number[] => [n, n];
  const attrs = { stride: both(1), padding_low: both(side), padding_high: both(side), dilation: both(1), groups: 1 };
  return (x) => b.op('mul', [b.op('conv', [x, weight], attrs), share]);
}

function plus(a: number, b: number): number {
  return a + b;
}
