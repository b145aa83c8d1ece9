/** Falls by the same factor over every stretch: γ^(step / every). */
import { numberOf } from '../layers/fields';
import { defineSchedule } from './define';
import { INTERVAL, stepsOf } from './interval';

export const exponential = defineSchedule({
  type: 'exponential',
  summary: 'Falls smoothly by the factor `gamma` over every `every`.',
  details: "lr · gamma^(step / every). With the default of one step it is Caffe's exp policy.",
  example: '{type: exponential, gamma: 0.97, every: 1 epochs}',
  fields: {
    gamma: { description: 'The factor over one stretch.', type: 'number', exclusiveMinimum: 0, maximum: 1 },
    every: { description: 'Length of a stretch: steps, or `"1 epochs"`.', ...INTERVAL, default: 1 },
  },
  required: ['gamma'],
  factor: (context) => numberOf(context.fields, 'gamma') ** (context.step / stepsOf(context.fields['every'], context)),
});
