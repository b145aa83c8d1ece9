/** Glorot and Bengio 2010: variance 2 / (fan_in + fan_out), for layers followed by tanh or nothing. */
import { numberOf } from '../layers/fields';
import { defineInitializer, type InitContext } from './define';
import { fanOf, gain, normalScaled, TRUNCATED, uniformScaled } from './random';

const scale = (context: InitContext): number => numberOf(context.fields, 'gain') ** 2;

export const glorotUniform = defineInitializer({
  type: 'glorot_uniform',
  summary: 'Uniform ±gain · √(6 / (fan_in + fan_out)): the default of weights.',
  details: "As Keras's and PyTorch's `xavier_uniform_`. Caffe's `xavier` looks at fan_in alone: see `xavier`.",
  example: '{type: glorot_uniform}',
  fields: { gain: gain() },
  lower: (context) => uniformScaled(context, scale(context), fanOf(context, 'fan_avg')),
});

export const glorotNormal = defineInitializer({
  type: 'glorot_normal',
  summary: 'Normal with standard deviation gain · √(2 / (fan_in + fan_out)).',
  details: "PyTorch's `xavier_normal_`; Keras cuts off at two deviations: `truncated: true`.",
  example: '{type: glorot_normal}',
  fields: { gain: gain(), truncated: TRUNCATED },
  lower: (context) => normalScaled(context, scale(context), fanOf(context, 'fan_avg')),
});
