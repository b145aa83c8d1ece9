/** Drops at given points: γ^(milestones passed). */
import type { Json } from '../frontend/spec';
import { numberOf } from '../layers/fields';
import { defineSchedule } from './define';
import { INTERVAL, stepsOf } from './interval';

export const multistep = defineSchedule({
  type: 'multistep',
  summary: 'Multiplies the learning rate by `gamma` at each of the `milestones`.',
  details: 'A bare milestone counts steps; write `"30 epochs"` for epochs.',
  example: '{type: multistep, milestones: [30 epochs, 60 epochs, 80 epochs], gamma: 0.1}',
  fields: {
    milestones: {
      description: 'When the rate drops: steps, or `"30 epochs"`, each from the start.',
      type: 'array',
      items: INTERVAL,
      minItems: 1,
    },
    gamma: { description: 'The factor of each drop.', type: 'number', exclusiveMinimum: 0, default: 0.1 },
  },
  required: ['milestones'],
  points: (fields) =>
    (fields['milestones'] as readonly Json[]).map((milestone, i) => {
      return { path: ['milestones', i], what: 'the rate drops', at: [milestone], isFromStart: true };
    }),
  factor: (context) => {
    const milestones = context.fields['milestones'] as readonly Json[];
    const passed = milestones.filter(
      (milestone) => stepsOf(milestone, context) <= context.warmup + context.step,
    ).length;
    return numberOf(context.fields, 'gamma') ** passed;
  },
});
