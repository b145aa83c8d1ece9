/** LeCun et al. 1998: variance 1 / fan_in, for layers followed by selu or nothing. */
import { defineInitializer } from './define';
import { normalScaled, TRUNCATED, uniformScaled } from './random';

export const lecunUniform = defineInitializer({
  type: 'lecun_uniform',
  summary: 'Uniform ±√(3 / fan_in).',
  example: '{type: lecun_uniform}',
  fields: {},
  lower: (context) => uniformScaled(context, 1, context.fanIn),
});

export const lecunNormal = defineInitializer({
  type: 'lecun_normal',
  summary: 'Normal with standard deviation √(1 / fan_in).',
  details: 'Keras cuts off at two deviations: `truncated: true`.',
  example: '{type: lecun_normal}',
  fields: { truncated: TRUNCATED },
  lower: (context) => normalScaled(context, 1, context.fanIn),
});
