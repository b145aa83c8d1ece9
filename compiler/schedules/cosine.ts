/** Half a cosine wave over the whole training, from 1 to `end`. */
import { numberOf } from '../layers/fields';
import { defineSchedule } from './define';

export const cosine = defineSchedule({
  type: 'cosine',
  summary: 'Falls along half a cosine wave over the whole training, to `end`.',
  details: 'end + (1 − end) · (1 + cos(π · step / steps)) / 2, after the warm-up if there is one.',
  example: '{type: cosine, warmup: {epochs: 5}}',
  fields: { end: { description: 'The factor at the end.', type: 'number', minimum: 0, default: 0 } },
  factor: ({ fields, step, totalSteps }) => {
    const end = numberOf(fields, 'end');
    const t = Math.min(1, step / Math.max(1, totalSteps));
    return end + ((1 - end) * (1 + Math.cos(Math.PI * t))) / 2;
  },
});
