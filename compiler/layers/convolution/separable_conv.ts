/** Separable convolutions: a depthwise convolution, then one of kernel 1 that mixes the channels. Two `conv` ops. */
import type { LayerDef } from '../define';
import { defineLayer } from '../define';
import { numberOf } from '../fields';
import type { Rank } from '../window';
import {
  biasField,
  biasOf,
  convAttrs,
  each,
  filtersField,
  kernelText,
  paddingModeField,
  sampleOn,
  SAME_NOTE,
  shapesText,
  slidingFields,
} from './convolution';
import { depthwise, multiplierField } from './depthwise_conv';

function defineSeparable(rank: Rank, words: string, example: string): LayerDef {
  const ones = Array<number>(rank).fill(1);
  const zeros = Array<number>(rank).fill(0);
  return defineLayer({
    type: `separable_conv${rank}d`,
    summary: `${words} depthwise separable convolution: first each channel on its own, then a mixture of the channels.`,
    details: [
      shapesText(rank),
      `Nothing stands between the two: one bias, after the mixture, and one activation (Chollet, "Xception", 2017). Weights: \`depthwise_weight\` [C·multiplier, 1, ${kernelText(rank)}], \`pointwise_weight\` [filters, C·multiplier, ${ones.join(', ')}], \`bias\` [filters]. It is Keras's layer of this name; for a normalization between the halves (MobileNet) write \`depthwise_conv${rank}d\` and \`conv${rank}d\`.`,
      SAME_NOTE,
    ].join('\n\n'),
    example,
    fields: {
      filters: filtersField,
      ...slidingFields(rank),
      padding_mode: paddingModeField,
      multiplier: multiplierField,
      bias: biasField,
    },
    required: ['filters', 'kernel'],
    arity: [1, 1],
    activates: true,
    parameters: ['depthwise_weight', 'pointwise_weight', 'bias'],
    lower(context, inputs) {
      const { b, fields, name } = context;
      b.prefix = `${name}.depthwise`;
      const deep = depthwise(context, inputs[0]!, rank, 'depthwise_weight', 'glorot_uniform', false);
      b.prefix = name;
      const filters = numberOf(fields, 'filters');
      const weight = context.parameter('pointwise_weight', [filters, deep.type.shape[1] ?? 1, ...ones], {
        init: 'glorot_uniform',
      });
      const window = { kernel: ones, stride: ones, dilation: ones, low: zeros, high: zeros };
      return b.op('conv', [deep, weight, ...biasOf(context, filters)], convAttrs(context, window, 1));
    },
    samples: [
      sampleOn(rank, 3, { filters: 5, kernel: 3, padding: 'same' }),
      sampleOn(rank, 2, { filters: 3, kernel: each(rank, 3, 2, 1), multiplier: 2, stride: 2, bias: false }),
    ],
  });
}

export const separableConv1d = defineSeparable(
  1,
  'One-dimensional',
  '{name: sep1, type: separable_conv1d, filters: 64, kernel: 3, padding: same}',
);
export const separableConv2d = defineSeparable(
  2,
  'Two-dimensional',
  '{name: sep1, type: separable_conv2d, filters: 64, kernel: 3, padding: same}',
);
