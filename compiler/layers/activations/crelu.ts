/** Concatenated rectifiers: what is positive and what is negative, side by side. */
import { axisOf } from '../axis';
import { defineLayer } from '../define';
import { axisField } from '../fields';
import { requireFloat } from '../window';

export const crelu = defineLayer({
  type: 'crelu',
  summary: 'Joins relu(x) and relu(−x) along an axis, which becomes twice as long.',
  details: 'Shang et al. 2016. TensorFlow joins the last axis unless told.',
  example: '{name: act1, type: crelu}',
  fields: { axis: axisField('The axis to join along.', 1) },
  samples: [
    { inputs: [{ shape: ['N', 3, 5], separated: true }] },
    { inputs: [{ shape: ['N', 3, 2], separated: true }], fields: { axis: -1 } },
  ],
  arity: [1, 1],
  lower(context, inputs) {
    const { b } = context;
    const x = inputs[0]!;
    requireFloat(context, x);
    const axis = axisOf(context, x);
    return b.op('concat', [b.op('relu', [x]), b.op('relu', [b.op('neg', [x])])], { axis });
  },
});
