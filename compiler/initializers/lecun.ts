/** LeCun et al. 1998: variance 1 / fan_in, for layers followed by selu or nothing. */
import { defineInitializer } from './define';
import { normal, uniform } from './random';

export const lecunUniform = defineInitializer({
  type: 'lecun_uniform',
  summary: 'Uniform ±√(3 / fan_in).',
  example: '{type: lecun_uniform}',
  fields: {},
  lower: (context) => {
    const bound = Math.sqrt(3 / context.fanIn);
    return uniform(context, -bound, bound);
  },
});

export const lecunNormal = defineInitializer({
  type: 'lecun_normal',
  summary: 'Normal with standard deviation √(1 / fan_in).',
  details: 'Not truncated; Keras cuts off at two deviations.',
  example: '{type: lecun_normal}',
  fields: {},
  lower: (context) => normal(context, 0, Math.sqrt(1 / context.fanIn)),
});
