/** A range of one axis, with a step, also backwards. */
import type { Json } from '../../frontend/spec';
import { axisOf } from '../axis';
import { defineLayer, type LowerContext } from '../define';
import { axisField, numberOf } from '../fields';
import { reverseAlong, sliceAlong } from './pieces';

/** Counts from the end where negative; has to be in `least … most`. */
function bound(context: LowerContext, field: 'start' | 'stop', extent: number, least: number, most: number): number {
  const written = numberOf(context.fields, field);
  const resolved = written < 0 ? written + extent : written;
  if (resolved < least || resolved > most) {
    context.fail([field], `${written} is outside of the axis, whose extent is ${extent}`);
  }
  return resolved;
}

const given = (value: Json | undefined): boolean => value !== undefined && value !== null;

export const slice = defineLayer({
  type: 'slice',
  summary: 'Takes the elements start, start + step, … before stop of one axis.',
  details:
    'As `x[start:stop:step]` in Python, with negative numbers counted from the end; but what lies outside of the axis is an error, where Python quietly takes less. With a negative step it goes backwards, by default from the last element to the first. To cut a tensor into several parts (Slice of Caffe) take `split`; for one element without its axis, `select`.',
  example: '{name: middle, type: slice, axis: 2, start: 4, stop: -4}',
  fields: {
    axis: axisField('The axis to take from.', 1),
    start: {
      description: 'The first element. Default: the first, or the last if `step` is negative.',
      type: 'integer',
    },
    stop: { description: 'The element before which it ends. Default: it goes to the end.', type: 'integer' },
    step: { description: 'From one element to the next; not 0.', type: 'integer', not: { const: 0 }, default: 1 },
  },
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const input = inputs[0]!;
    const axis = axisOf(context, input);
    const extent = input.type.shape[axis] ?? 1;
    const step = numberOf(fields, 'step');
    const forward = step > 0;
    const start = given(fields['start']) ? bound(context, 'start', extent, 0, extent - 1) : forward ? 0 : extent - 1;
    const [least, most] = forward ? [0, extent] : [0, extent - 1];
    const stop = given(fields['stop']) ? bound(context, 'stop', extent, least, most) : forward ? extent : -1;
    const count = Math.ceil((stop - start) / step);
    if (count < 1) context.fail([], `nothing lies between ${start} and ${stop} in steps of ${step}`);
    if (forward) return sliceAlong(b, input, axis, start, stop, step);
    const lowest = start + (count - 1) * step;
    return reverseAlong(b, sliceAlong(b, input, axis, lowest, start + 1, -step), axis);
  },
  samples: [
    { inputs: [{ shape: ['N', 2, 11] }], fields: { axis: 2, start: 4, stop: -4 } },
    { name: 'a step', inputs: [{ shape: ['N', 7, 3] }], fields: { start: 1, step: 3 } },
    { name: 'backwards', inputs: [{ shape: ['N', 7] }], fields: { step: -2 } },
    { name: 'backwards, within', inputs: [{ shape: ['N', 3, 7] }], fields: { axis: -1, start: -2, stop: 1, step: -2 } },
    { name: 'everything', inputs: [{ shape: ['N', 3], dtype: 'int32' }] },
  ],
});
