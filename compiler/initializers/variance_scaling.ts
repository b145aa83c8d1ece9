/** The family that glorot, he and lecun belong to, with every part a field; and what PyTorch's layers start from. */
import { numberOf, wordOf } from '../layers/fields';
import { defineInitializer } from './define';
import { fanOf, MODE, normalScaled, uniformScaled } from './random';

export const varianceScaling = defineInitializer({
  type: 'variance_scaling',
  summary: 'Variance `scale` / fan, from any of three distributions.',
  details: "Keras's VarianceScaling, whose `untruncated_normal` is `normal` here.",
  example: '{type: variance_scaling, scale: 2, mode: fan_out, distribution: normal}',
  fields: {
    scale: { description: 'The variance times the fan.', type: 'number', exclusiveMinimum: 0, default: 1 },
    mode: MODE,
    distribution: {
      description: '`truncated_normal` is cut off at two deviations and has the same variance.',
      enum: ['truncated_normal', 'normal', 'uniform'],
      default: 'truncated_normal',
    },
  },
  lower(context) {
    const { fields } = context;
    const [scale, fan] = [numberOf(fields, 'scale'), fanOf(context, wordOf(fields, 'mode'))];
    const distribution = wordOf(fields, 'distribution');
    if (distribution === 'uniform') return uniformScaled(context, scale, fan);
    return normalScaled(context, scale, fan, distribution === 'truncated_normal');
  },
});

export const pytorchDefault = defineInitializer({
  type: 'pytorch_default',
  summary: 'Uniform ±√(1 / fan_in): what Linear and Conv of PyTorch start from, weights and biases alike.',
  details:
    "There it is written `kaiming_uniform_(a=√5)` for weights. A bias counts the inputs of its layer's `weight`: `init: pytorch_default, parameters: {bias: {init: pytorch_default}}`.",
  example: '{type: pytorch_default}',
  fields: {},
  lower: (context) => uniformScaled(context, 1 / 3, context.fanIn),
});
