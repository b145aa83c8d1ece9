/** Layer normalization and its root-mean-square variant: one `layer_norm` op. */
import { axesOf } from '../axis';
import { defineLayer } from '../define';
import { axesField } from '../fields';
import { requireFloat } from '../window';
import { affineOf, centerField, epsilonField, normalizeRows, scaleField, withAxesLast } from './affine';

const AXES =
  'Whatever axes come after the first belong to a sample or a token; the batch axis cannot be normalized over. `gamma` and `beta` have the extents of the axes, in their order in the input.';

export const layerNorm = defineLayer({
  type: 'layer_norm',
  summary: 'Normalizes each token (or sample) to mean 0 and variance 1 over its features, then scales and shifts it.',
  details: [
    'y = gamma · (x − mean) / √(variance + epsilon) + beta, with mean and biased variance over `axis` (Ba et al. 2016). Input and output of any shape [N, …].',
    AXES,
    "`axis: -1` is Keras's LayerNormalization (its epsilon is 1e-3) and PyTorch's LayerNorm of the last extent; a list of the last axes is PyTorch's `normalized_shape`. Over the channels of images write `axis: 1` (ConvNeXt), over a whole sample `axis: [1, 2, 3]`. Caffe has none.",
  ].join('\n\n'),
  example: '{name: norm1, type: layer_norm}',
  fields: {
    axis: axesField('What mean and variance are taken over.', { default: -1 }),
    epsilon: epsilonField(1e-5),
    scale: scaleField,
    center: centerField,
  },
  arity: [1, 1],
  activates: true,
  parameters: ['gamma', 'beta'],
  lower(context, inputs) {
    const x = inputs[0]!;
    requireFloat(context, x);
    return withAxesLast(context, x, axesOf(context, x, 'axis', 1), (moved, first, row) => {
      return normalizeRows(context, moved, first, affineOf(context, row))[0];
    });
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }] },
    { inputs: [{ shape: ['N', 3, 2, 3] }], fields: { axis: 1, epsilon: 1e-3 } },
    { inputs: [{ shape: ['N', 2, 3, 2] }], fields: { axis: [-1, 1], center: false } },
    { inputs: [{ shape: ['N', 7] }], fields: { axis: [1], scale: false } },
    { inputs: [{ shape: ['N', 2, 3] }], fields: { axis: [1, 2], scale: false, center: false } },
  ],
});

export const rmsNorm = defineLayer({
  type: 'rms_norm',
  summary: 'Divides each token (or sample) by the root mean square of its features, then scales it.',
  details: [
    'y = gamma · x / √(mean(x²) + epsilon), with the mean over `axis` (Zhang and Sennrich 2019). Input and output of any shape [N, …].',
    AXES,
    "Keras's RMSNormalization; PyTorch's RMSNorm has the float32 precision, 1.19e-7, as its epsilon unless told.",
  ].join('\n\n'),
  example: '{name: norm1, type: rms_norm}',
  fields: {
    axis: axesField('What the mean square is taken over.', { default: -1 }),
    epsilon: epsilonField(1e-6, 'Added to the mean square.'),
    scale: scaleField,
  },
  arity: [1, 1],
  activates: true,
  parameters: ['gamma'],
  lower(context, inputs) {
    const x = inputs[0]!;
    requireFloat(context, x);
    return withAxesLast(context, x, axesOf(context, x, 'axis', 1), (moved, first, row) => {
      return normalizeRows(context, moved, first, affineOf(context, row), false)[0];
    });
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }] },
    { inputs: [{ shape: ['N', 3, 2, 2] }], fields: { axis: 1, epsilon: 1e-3, scale: false } },
  ],
});
