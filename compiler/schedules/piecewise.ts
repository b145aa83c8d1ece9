/** Given factors between given points. */
import type { Json } from '../frontend/spec';
import { numbersOf } from '../layers/fields';
import { defineSchedule } from './define';
import { INTERVAL, stepsOf } from './interval';

export const piecewise = defineSchedule({
  type: 'piecewise',
  summary: 'The factors `values`, one after the other, changing at the `boundaries`.',
  details:
    "Keras's PiecewiseConstantDecay, with two differences: values are factors on the rate, and a boundary is the number of steps that are done when the next value begins, as in `multistep` (in Keras it begins one step later). Boundaries count from the start of training.",
  example: '{type: piecewise, boundaries: [1000, 10 epochs], values: [1, 0.5, 0.01]}',
  fields: {
    boundaries: {
      description: 'When the next value begins: steps, or `"30 epochs"`, each from the start.',
      type: 'array',
      items: INTERVAL,
      minItems: 1,
    },
    values: {
      description: 'The factors: one more than there are boundaries.',
      type: 'array',
      items: { type: 'number', minimum: 0 },
      minItems: 2,
    },
  },
  required: ['boundaries', 'values'],
  problem: (fields) => {
    const [boundaries, values] = [fields['boundaries'] as readonly Json[], fields['values'] as readonly Json[]];
    if (values.length === boundaries.length + 1) return undefined;
    const why = `${boundaries.length} boundaries part ${boundaries.length + 1} values, not ${values.length}`;
    return { path: ['values'], why };
  },
  points: (fields) =>
    (fields['boundaries'] as readonly Json[]).map((boundary, i) => {
      return { path: ['boundaries', i], what: 'the next value begins', at: [boundary], isFromStart: true };
    }),
  factor: (context) => {
    const done = context.warmup + context.step;
    const boundaries = context.fields['boundaries'] as readonly Json[];
    const passed = boundaries.filter((boundary) => stepsOf(boundary, context) <= done).length;
    return numbersOf(context.fields, 'values')[passed] ?? 1;
  },
});
