/** Caffe's `inv`: (1 + γ · step)^(−power). */
import { numberOf } from '../layers/fields';
import { defineSchedule } from './define';

export const inverse = defineSchedule({
  type: 'inverse',
  summary: "Falls as (1 + gamma · step)^(−power): Caffe's inv policy.",
  example: '{type: inverse, gamma: 1.0e-4, power: 0.75}',
  fields: {
    gamma: { description: 'How fast the rate falls, per step.', type: 'number', minimum: 0, default: 1e-4 },
    power: { description: 'The exponent.', type: 'number', minimum: 0, default: 0.75 },
  },
  factor: ({ fields, step }) => (1 + numberOf(fields, 'gamma') * step) ** -numberOf(fields, 'power'),
});
