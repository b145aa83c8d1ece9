/** Local response normalization, across neighbouring channels or within each one. */
import type { Value } from '../../ir/graph';
import type { LowerContext } from '../define';
import { defineLayer } from '../define';
import { numberOf, positive } from '../fields';
import { LARGEST, requireFloat, requireImages } from '../window';

export const lrn = defineLayer({
  type: 'lrn',
  summary: 'Local response normalization across channels (AlexNet), or over the surroundings of each pixel.',
  details: [
    'y = x / (k + alpha / n · Σ x²)^beta. Across channels, input [N, C, …] and the sum over `size` neighbouring channels, n = size: those beyond the first and last are left out (Krizhevsky et al. 2012). Within channels, input [N, C, H, W] and the sum over a square of `size`·`size` pixels, n = size², with zeros around the image.',
    "alpha is divided by n, as in Caffe and PyTorch; the paper and TensorFlow do not divide. Caffe's WITHIN_CHANNEL always has k = 1; PyTorch knows the channels only, Keras has none.",
  ].join('\n\n'),
  example: '{name: norm1, type: lrn, size: 5, alpha: 1.0e-4, beta: 0.75}',
  fields: {
    region: {
      description: 'What the sum is over: `across_channels`, or the surroundings `within_channel`.',
      enum: ['across_channels', 'within_channel'],
      default: 'across_channels',
    },
    size: positive('Number of channels in the sum, or side of the square; odd.', { default: 5 }),
    alpha: { description: 'Factor on the mean square.', type: 'number', default: 1e-4 },
    beta: { description: 'Exponent of the base.', type: 'number', default: 0.75 },
    k: { description: 'Constant in the base.', type: 'number', exclusiveMinimum: 0, default: 1 },
  },
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const x = inputs[0]!;
    requireFloat(context, x);
    const size = numberOf(fields, 'size');
    if (size % 2 === 0) context.fail(['size'], `size ${size} is even: nothing is in the middle`, 'use an odd size');
    if (size > LARGEST) context.fail(['size'], `size ${size} is too large; the limit is ${LARGEST}`);
    if (fields['region'] === 'within_channel') return withinChannel(context, x, size);
    if (x.type.shape.length < 2) context.mismatch('shape', 'it needs channels on axis 1');
    const attrs = { size, alpha: numberOf(fields, 'alpha'), beta: numberOf(fields, 'beta'), k: numberOf(fields, 'k') };
    return b.op('lrn', inputs, attrs);
  },
  samples: [
    { inputs: [{ shape: ['N', 7, 2, 3] }], fields: { size: 5, alpha: 1 } },
    { inputs: [{ shape: ['N', 2, 3, 5] }], fields: { region: 'within_channel', size: 3, alpha: 2, k: 1.5 } },
  ],
});

/** The mean square of each pixel's surroundings: every window counts whole, padding included. */
function withinChannel(context: LowerContext, x: Value, size: number): Value {
  const { b, fields } = context;
  requireImages(context, x);
  const side = (size - 1) / 2;
  const both = (n: number): readonly number[] => [n, n];
  const mean = b.op('avg_pool', [b.op('square', [x])], {
    kernel: both(size),
    stride: both(1),
    padding_low: both(side),
    padding_high: both(side),
    overhang: both(0),
    count_include_pad: true,
  });
  const base = b.op('add', [b.op('mul', [mean, b.full(numberOf(fields, 'alpha'))]), b.full(numberOf(fields, 'k'))]);
  return b.op('mul', [x, b.op('pow', [base, b.full(-numberOf(fields, 'beta'))])]);
}
