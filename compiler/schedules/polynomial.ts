/** Falls to `end` over the whole training: (1 − end) · (1 − t)^power + end, t from 0 to 1; and the straight line. */
import { flag, flagOf, numberOf } from '../layers/fields';
import { defineSchedule, type ScheduleContext } from './define';
import { OVER, progressOf, stepsOf } from './interval';
import { between } from './shapes';

export const polynomial = defineSchedule({
  type: 'polynomial',
  summary: 'Falls as (1 − step / steps)^power over the whole training, to `end`.',
  details:
    "`power: 1` is a straight line. The same schedule answers to `poly`, the name it has in Caffe. PyTorch's PolynomialLR and Keras's PolynomialDecay, whose `cycle` lengthens the fall by whole multiples of `over` instead of ending it.",
  example: '{type: polynomial, power: 2}',
  fields: {
    power: { description: 'The exponent.', type: 'number', minimum: 0, default: 1 },
    end: { description: 'The factor at the end.', type: 'number', minimum: 0, default: 0 },
    over: OVER,
    cycle: flag('Past `over`, falls over twice its length, then over thrice, ….', false),
  },
  problem: (fields) =>
    flagOf(fields, 'cycle') && fields['over'] === undefined
      ? { path: ['cycle'], why: 'without `over` the training ends with the first fall' }
      : undefined,
  factor: (context) => {
    const end = numberOf(context.fields, 'end');
    return (1 - end) * (1 - cycled(context)) ** numberOf(context.fields, 'power') + end;
  },
});

function cycled(context: ScheduleContext): number {
  if (!flagOf(context.fields, 'cycle')) return progressOf(context);
  const over = stepsOf(context.fields['over'], context);
  return context.step / (over * Math.max(1, Math.ceil(context.step / over)));
}

export const poly = defineSchedule({ ...polynomial, type: 'poly', example: '{type: poly, power: 2}' });

export const linear = defineSchedule({
  type: 'linear',
  summary: 'Goes in a straight line from `from` to `to`.',
  details: "PyTorch's LinearLR, there with `from: 0.333` and `to: 1`.",
  example: '{type: linear, over: 10 epochs, to: 0.01}',
  fields: {
    from: { description: 'The factor at the start.', type: 'number', minimum: 0, default: 1 },
    to: { description: 'The factor at the end.', type: 'number', minimum: 0, default: 0 },
    over: OVER,
  },
  problem: (fields) =>
    fields['from'] === fields['to'] ? { path: ['to'], why: 'it is where the line starts: nothing changes' } : undefined,
  factor: (context) =>
    between('linear', numberOf(context.fields, 'from'), numberOf(context.fields, 'to'), progressOf(context)),
});
