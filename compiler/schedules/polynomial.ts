/** Falls to `end` over the whole training: (1 − end) · (1 − t)^power + end, t from 0 to 1. */
import { numberOf } from '../layers/fields';
import { defineSchedule } from './define';

export const polynomial = defineSchedule({
  type: 'polynomial',
  summary: 'Falls as (1 − step / steps)^power over the whole training, to `end`.',
  details: '`power: 1` is a straight line. The same schedule answers to `poly`, the name it has in Caffe.',
  example: '{type: polynomial, power: 2}',
  fields: {
    power: { description: 'The exponent.', type: 'number', minimum: 0, default: 1 },
    end: { description: 'The factor at the end.', type: 'number', minimum: 0, default: 0 },
  },
  factor: ({ fields, step, totalSteps }) => {
    const end = numberOf(fields, 'end');
    const left = 1 - Math.min(1, step / Math.max(1, totalSteps));
    return (1 - end) * left ** numberOf(fields, 'power') + end;
  },
});

export const poly = defineSchedule({ ...polynomial, type: 'poly', example: '{type: poly, power: 2}' });
