/** Caffe's fillers under Caffe's names. */
import { wordOf } from '../layers/fields';
import { defineInitializer } from './define';
import { fanOf, MODE, normal, uniform } from './random';

export const xavier = defineInitializer({
  type: 'xavier',
  summary: "Caffe's xavier filler: uniform ±√(3 / fan).",
  details: 'Scaled by fan_in alone unless `mode` says otherwise; `mode: fan_avg` is `glorot_uniform`.',
  example: '{type: xavier}',
  fields: { mode: MODE },
  lower: (context) => {
    const bound = Math.sqrt(3 / fanOf(context, wordOf(context.fields, 'mode')));
    return uniform(context, -bound, bound);
  },
});

export const msra = defineInitializer({
  type: 'msra',
  summary: "Caffe's msra filler: normal with standard deviation √(2 / fan).",
  details: 'The same as `he_normal`.',
  example: '{type: msra}',
  fields: { mode: MODE },
  lower: (context) => normal(context, 0, Math.sqrt(2 / fanOf(context, wordOf(context.fields, 'mode')))),
});
