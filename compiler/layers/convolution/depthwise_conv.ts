/** Depthwise convolutions: every channel is convolved on its own, with one or several kernels. A grouped `conv` op. */
import type { Value } from '../../ir/graph';
import type { LayerDef, LowerContext } from '../define';
import { defineLayer } from '../define';
import type { FieldSchema } from '../../frontend/describe';
import type { Json } from '../../frontend/spec';
import { numberOf, positive } from '../fields';
import { initField, weightInit } from '../initial';
import { NORMALIZED_WEIGHT, normalizeWeightField, weightOf } from '../normalized_weight';
import type { Rank } from '../window';
import { perAxisOf, requireSpatial, windowOf } from '../window';
import {
  biasField,
  biasOf,
  borderedFor,
  convAttrs,
  each,
  kernelText,
  paddingModeField,
  sampleOn,
  SAME_NOTE,
  shapesText,
  slidingFields,
} from './convolution';

export const multiplierField: FieldSchema = positive('Number of kernels, and so of outputs, for each channel.', {
  default: 1,
});

/** The depthwise half of a layer: its weight is the parameter `param`, its outputs multiplier · C channels. */
export function depthwise(
  context: LowerContext,
  input: Value,
  rank: Rank,
  param: string,
  init: Json,
  withBias: boolean,
) {
  const { channels, size } = requireSpatial(context, input, rank);
  const multiplier = numberOf(context.fields, 'multiplier');
  const window = windowOf(context, size, perAxisOf(context.fields, 'kernel', rank));
  const padded = borderedFor(context, input, window);
  const taps = window.kernel.reduce((product, extent) => product * extent, 1);
  const filters = channels * multiplier;
  // What a channel meets: its own taps on the way in, its own kernels on the way out.
  const shape = [filters, 1, ...window.kernel];
  const options = { init, fanIn: taps, fanOut: multiplier * taps };
  const weight = param === 'weight' ? weightOf(context, shape, options) : context.parameter(param, shape, options);
  const bias = withBias ? biasOf(context, filters) : [];
  return context.b.op('conv', [padded.input, weight, ...bias], convAttrs(context, padded.window, channels));
}

function defineDepthwise(rank: Rank, words: string, example: string): LayerDef {
  return defineLayer({
    type: `depthwise_conv${rank}d`,
    summary: `${words} depthwise convolution: every channel has kernels of its own.`,
    details: [
      shapesText(rank, 'C·multiplier'),
      `Output channel c·multiplier + m is channel c convolved with its kernel m. Weights: \`weight\` [C·multiplier, 1, ${kernelText(rank)}], \`bias\` [C·multiplier]: as PyTorch writes it with \`groups = C\`; Keras keeps kernels as [${kernelText(rank)}, C, multiplier] (its \`depth_multiplier\`), in Caffe it is a Convolution with as many groups as channels.`,
      'Fan-based initializers count what one channel meets: kernel taps in, multiplier · taps out.',
      NORMALIZED_WEIGHT,
      SAME_NOTE,
    ].join('\n\n'),
    example,
    fields: {
      ...slidingFields(rank),
      padding_mode: paddingModeField,
      multiplier: multiplierField,
      bias: biasField,
      init: initField,
      normalize_weight: normalizeWeightField,
    },
    required: ['kernel'],
    arity: [1, 1],
    activates: true,
    parameters: ['weight', 'weight_gain', 'bias'],
    lower: (context, inputs) => depthwise(context, inputs[0]!, rank, 'weight', weightInit(context), true),
    samples: [
      sampleOn(rank, 3, { kernel: 3, padding: 'same' }),
      sampleOn(rank, 3, { kernel: each(rank, 3, 2, 1), multiplier: 2, stride: 2, padding: 1, bias: false }),
      sampleOn(rank, 1, { kernel: 2, dilation: 2, multiplier: 3 }),
      sampleOn(rank, 2, { kernel: 3, padding: 'same', padding_mode: 'wrap' }),
      sampleOn(rank, 2, { kernel: 2, normalize_weight: 'weight' }),
    ],
  });
}

export const depthwiseConv1d = defineDepthwise(
  1,
  'One-dimensional',
  '{name: dw1, type: depthwise_conv1d, kernel: 3, padding: same}',
);
export const depthwiseConv2d = defineDepthwise(
  2,
  'Two-dimensional',
  '{name: dw1, type: depthwise_conv2d, kernel: 3, padding: same}',
);
