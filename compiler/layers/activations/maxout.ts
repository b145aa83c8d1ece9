/** The largest of several pieces. */
import { axisOf } from '../axis';
import { defineLayer } from '../define';
import { axisField, numberOf, positive } from '../fields';
import { requireFloat } from '../window';

export const maxout = defineLayer({
  type: 'maxout',
  summary: 'The largest of each group of neighbouring channels.',
  details:
    'Goodfellow et al. 2013: a `dense` or convolution with `pieces` times the units, then this. An axis of extent C becomes C / pieces; the channels of one group lie next to each other. It has no parameters of its own.',
  example: '{name: act1, type: maxout, pieces: 2}',
  fields: {
    pieces: positive('How many channels compete for one output. Either this or `units`.'),
    units: positive('How many channels are left.'),
    axis: axisField('The axis of the channels.', 1),
  },
  samples: [
    { inputs: [{ shape: ['N', 6, 3], separated: true }], fields: { pieces: 2 } },
    { inputs: [{ shape: ['N', 3, 10], separated: true }], fields: { units: 2, axis: -1 } },
  ],
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const x = inputs[0]!;
    requireFloat(context, x);
    const axis = axisOf(context, x);
    const { shape } = x.type;
    const channels = shape[axis] ?? 1;
    if (fields['pieces'] !== undefined && fields['units'] !== undefined) {
      context.fail(['units'], '`pieces` and `units` say the same', 'leave one of the two out');
    }
    if (fields['pieces'] === undefined && fields['units'] === undefined) {
      context.fail([], 'it needs `pieces` or `units`');
    }
    const field = fields['pieces'] === undefined ? 'units' : 'pieces';
    const number = numberOf(fields, field);
    if (channels % number !== 0) {
      context.mismatch('shape', `the ${channels} channels on axis ${axis} do not divide into ${field} of ${number}`);
    }
    const [units, pieces] = field === 'units' ? [number, channels / number] : [channels / number, number];
    const grouped = b.op('reshape', [x], { shape: shape.toSpliced(axis, 1, units, pieces) });
    return b.op('reduce_max', [grouped], { axes: [axis + 1], keepdims: false });
  },
});
