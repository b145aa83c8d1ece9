/** He et al. 2015: variance 2 / fan, for layers followed by a rectifier. */
import { wordOf } from '../layers/fields';
import { defineInitializer } from './define';
import { fanOf, MODE, normal, uniform } from './random';

export const heUniform = defineInitializer({
  type: 'he_uniform',
  summary: 'Uniform ±√(6 / fan), for layers followed by relu.',
  details: "As PyTorch's `kaiming_uniform_` with `nonlinearity='relu'`.",
  example: '{type: he_uniform}',
  fields: { mode: MODE },
  lower: (context) => {
    const bound = Math.sqrt(6 / fanOf(context, wordOf(context.fields, 'mode')));
    return uniform(context, -bound, bound);
  },
});

export const heNormal = defineInitializer({
  type: 'he_normal',
  summary: 'Normal with standard deviation √(2 / fan), for layers followed by relu.',
  details: "Not truncated, as PyTorch's `kaiming_normal_`; Keras cuts off at two deviations.",
  example: '{type: he_normal, mode: fan_out}',
  fields: { mode: MODE },
  lower: (context) => normal(context, 0, Math.sqrt(2 / fanOf(context, wordOf(context.fields, 'mode')))),
});
