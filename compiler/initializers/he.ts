/** He et al. 2015: variance 2 / fan, for layers followed by a rectifier. */
import type { FieldSchema } from '../frontend/describe';
import { numberOf, wordOf } from '../layers/fields';
import { defineInitializer, type InitContext } from './define';
import { fanOf, MODE, normalScaled, TRUNCATED, uniformScaled } from './random';

const slope: FieldSchema = {
  description: 'Slope of the rectifier below zero: the variance is 2 / (1 + slope²) / fan.',
  type: 'number',
  default: 0,
};

const scale = (context: InitContext): number => 2 / (1 + numberOf(context.fields, 'slope') ** 2);
const fan = (context: InitContext): number => fanOf(context, wordOf(context.fields, 'mode'));

export const heUniform = defineInitializer({
  type: 'he_uniform',
  summary: 'Uniform ±√(6 / fan), for layers followed by relu.',
  details:
    "PyTorch's `kaiming_uniform_`, whose `a` is `slope` here, with `nonlinearity='leaky_relu'`; Keras's of that name.",
  example: '{type: he_uniform}',
  fields: { mode: MODE, slope },
  lower: (context) => uniformScaled(context, scale(context), fan(context)),
});

export const heNormal = defineInitializer({
  type: 'he_normal',
  summary: 'Normal with standard deviation √(2 / fan), for layers followed by relu.',
  details: "PyTorch's `kaiming_normal_`; Keras cuts off at two deviations: `truncated: true`.",
  example: '{type: he_normal, mode: fan_out}',
  fields: { mode: MODE, slope, truncated: TRUNCATED },
  lower: (context) => normalScaled(context, scale(context), fan(context)),
});
