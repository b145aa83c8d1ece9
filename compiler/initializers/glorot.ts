/** Glorot and Bengio 2010: variance 2 / (fan_in + fan_out), for layers followed by tanh or nothing. */
import { defineInitializer } from './define';
import { fanOf, normal, uniform } from './random';

export const glorotUniform = defineInitializer({
  type: 'glorot_uniform',
  summary: 'Uniform ±√(6 / (fan_in + fan_out)): the default of weights.',
  details: "As Keras's and PyTorch's `xavier_uniform_`. Caffe's `xavier` looks at fan_in alone: see `xavier`.",
  example: '{type: glorot_uniform}',
  fields: {},
  lower: (context) => {
    const bound = Math.sqrt(3 / fanOf(context, 'fan_avg'));
    return uniform(context, -bound, bound);
  },
});

export const glorotNormal = defineInitializer({
  type: 'glorot_normal',
  summary: 'Normal with standard deviation √(2 / (fan_in + fan_out)).',
  details: "Not truncated, as PyTorch's `xavier_normal_`; Keras cuts off at two deviations.",
  example: '{type: glorot_normal}',
  fields: {},
  lower: (context) => normal(context, 0, Math.sqrt(1 / fanOf(context, 'fan_avg'))),
});
