/** Regular convolutions: one `conv` op with a weight over all channels of a group. */
import type { LayerDef } from '../define';
import { defineLayer } from '../define';
import { numberOf } from '../fields';
import { initField, weightInit } from '../initial';
import { NORMALIZED_WEIGHT, normalizeWeightField, spectralSamples, weightOf } from '../normalized_weight';
import type { Rank } from '../window';
import { perAxisOf, requireSpatial, windowOf } from '../window';
import {
  biasField,
  biasOf,
  borderedFor,
  convAttrs,
  each,
  filtersField,
  groupsField,
  groupsOf,
  kernelText,
  paddingModeField,
  sampleOn,
  SAME_NOTE,
  shapesText,
  slidingFields,
} from './convolution';

/** A layer over so many axes; `words` are the first of its summary. */
export function defineConv(rank: Rank, words: string, example: string): LayerDef {
  const type = `conv${rank}d`;
  return defineLayer({
    type,
    summary: `${words} convolution (cross-correlation, as everywhere in deep learning).`,
    details: [
      shapesText(rank),
      `Weights: \`weight\` [filters, C / groups, ${kernelText(rank)}], \`bias\` [filters], as in Caffe and PyTorch; Keras keeps kernels as [${kernelText(rank)}, C / groups, filters]. \`groups: C\` makes it depthwise.`,
      NORMALIZED_WEIGHT,
      SAME_NOTE,
      ...(rank === 1
        ? ['Keras has its sequences as [N, L, C]: channels stand before the length here, as in PyTorch.']
        : []),
    ].join('\n\n'),
    example,
    fields: {
      filters: filtersField,
      ...slidingFields(rank),
      padding_mode: paddingModeField,
      groups: groupsField,
      bias: biasField,
      init: initField,
      normalize_weight: normalizeWeightField,
    },
    required: ['filters', 'kernel'],
    arity: [1, 1],
    activates: true,
    parameters: ['weight', 'weight_gain', 'bias'],
    lower(context, inputs) {
      const { b, fields } = context;
      const input = inputs[0]!;
      const { channels, size } = requireSpatial(context, input, rank);
      const filters = numberOf(fields, 'filters');
      const groups = groupsOf(context, channels, filters);
      const window = windowOf(context, size, perAxisOf(fields, 'kernel', rank));
      const padded = borderedFor(context, input, window);
      const weight = weightOf(context, [filters, channels / groups, ...window.kernel], { init: weightInit(context) });
      return b.op(
        'conv',
        [padded.input, weight, ...biasOf(context, filters)],
        convAttrs(context, padded.window, groups),
      );
    },
    samples: [
      sampleOn(rank, 2, { filters: 1, kernel: 3, padding: 'same' }),
      sampleOn(rank, 1, { filters: 3, kernel: each(rank, 3, 2, 1), stride: 2, padding: 'same', bias: false }),
      sampleOn(rank, 2, { filters: 4, kernel: 2, groups: 2, dilation: 2, padding: 1 }),
      sampleOn(rank, 3, { filters: 3, kernel: 1, groups: 3, padding: 'valid' }),
      sampleOn(rank, 1, { filters: 1, kernel: 3, padding: 1, padding_mode: 'reflect' }),
      sampleOn(rank, 2, { filters: 3, kernel: 2, normalize_weight: 'weight' }),
      ...spectralSamples(
        sampleOn(rank, 2, { filters: 3, kernel: 2, normalize_weight: { type: 'spectral', iterations: 2 } }),
      ),
      ...(rank === 1 ? [sampleOn(1, 2, { filters: 3, kernel: 3, dilation: 2, padding: 'causal' })] : []),
    ],
  });
}

export const conv1d = defineConv(
  1,
  'One-dimensional',
  '{name: conv1, type: conv1d, filters: 64, kernel: 3, padding: same, activation: relu}',
);
export const conv2d = defineConv(
  2,
  'Two-dimensional',
  '{name: conv1, type: conv2d, filters: 64, kernel: 3, padding: same, activation: relu}',
);
export const conv3d = defineConv(
  3,
  'Three-dimensional',
  '{name: conv1, type: conv3d, filters: 32, kernel: 3, padding: same, activation: relu}',
);
