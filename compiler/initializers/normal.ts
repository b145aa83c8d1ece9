/** Normal with a given mean and standard deviation, whole or cut off at two deviations. */
import { numberOf } from '../layers/fields';
import { defineInitializer } from './define';
import { normal as draw } from './random';

const fields = {
  mean: { description: 'Mean.', type: 'number', default: 0 },
  std: { description: 'Standard deviation.', type: 'number', minimum: 0, default: 0.05 },
} as const;

export const normal = defineInitializer({
  type: 'normal',
  summary: "Normal with `mean` and `std` (Caffe's gaussian filler).",
  example: '{type: normal, std: 0.01}',
  fields,
  lower: (context) => draw(context, numberOf(context.fields, 'mean'), numberOf(context.fields, 'std')),
});

export const truncatedNormal = defineInitializer({
  type: 'truncated_normal',
  summary: 'Normal with `mean` and `std`, draws beyond two standard deviations drawn again.',
  details: '`std` is the deviation before the tails are cut off; what is drawn has 0.8796 times that.',
  example: '{type: truncated_normal, std: 0.02}',
  fields,
  lower: (context) => draw(context, numberOf(context.fields, 'mean'), numberOf(context.fields, 'std'), true),
});
