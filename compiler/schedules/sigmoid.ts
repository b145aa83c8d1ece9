/** Caffe's `sigmoid` policy. */
import { numberOf } from '../layers/fields';
import { defineSchedule } from './define';
import { INTERVAL, stepsOf } from './interval';

export const sigmoid = defineSchedule({
  type: 'sigmoid',
  summary: "1 / (1 + exp(−gamma · (step − step_size))): Caffe's sigmoid policy.",
  details: 'Passes ½ at `step_size`; falls for a negative `gamma`, rises for a positive one.',
  example: '{type: sigmoid, step_size: 5000, gamma: -0.001}',
  fields: {
    step_size: { description: 'Where it is one half: steps, or `"10 epochs"`.', ...INTERVAL },
    gamma: { description: 'Steepness per step; negative to fall.', type: 'number' },
  },
  required: ['step_size', 'gamma'],
  problem: (fields) =>
    fields['gamma'] === 0 ? { path: ['gamma'], why: 'the factor would be ½ throughout' } : undefined,
  factor: (context) => {
    const { fields, step } = context;
    return 1 / (1 + Math.exp(-numberOf(fields, 'gamma') * (step - stepsOf(fields['step_size'], context))));
  },
});
