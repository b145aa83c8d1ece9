/** Shifts around the ends of axes. */
import type { Json } from '../../frontend/spec';
import { axesOf } from '../axis';
import { defineLayer } from '../define';
import { axesField, isNumbers } from '../fields';
import { sliceAlong } from './pieces';

const listOf = (value: Json | undefined): readonly number[] =>
  isNumbers(value) ? value : typeof value === 'number' ? [value] : [];

export const roll = defineLayer({
  type: 'roll',
  summary: 'Shifts the elements along axes; what leaves at one end comes back at the other.',
  details:
    'Element i of the input is element (i + shift) mod extent of the output, as `roll` of NumPy, PyTorch and Keras. Shifted windows of Swin are `axes: [2, 3], shift: [-3, -3]`.',
  example: '{name: shifted, type: roll, axes: [2, 3], shift: [-3, -3]}',
  fields: {
    shift: {
      description: 'By how many places, towards the end where positive: one number, or one for each of `axes`.',
      anyOf: [{ type: 'integer' }, { type: 'array', items: { type: 'integer' }, minItems: 1 }],
    },
    axes: axesField('The axes to shift along.', { default: 1 }),
  },
  required: ['shift'],
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const input = inputs[0]!;
    const axes = axesOf(context, input);
    const shifts = listOf(fields['shift']);
    if (shifts.length !== 1 && shifts.length !== axes.length) {
      context.fail(['shift'], `${shifts.length} shifts for ${axes.length} axes`);
    }
    return axes.reduce((x, axis, i) => {
      const extent = x.type.shape[axis] ?? 1;
      const shift = (((shifts[i] ?? shifts[0] ?? 0) % extent) + extent) % extent;
      if (shift === 0) return x;
      const cut = extent - shift;
      return b.op('concat', [sliceAlong(b, x, axis, cut, extent), sliceAlong(b, x, axis, 0, cut)], { axis });
    }, input);
  },
  samples: [
    { inputs: [{ shape: ['N', 2, 5, 7] }], fields: { axes: [2, 3], shift: [-3, -3] } },
    { name: 'more than around', inputs: [{ shape: ['N', 5] }], fields: { shift: 7 } },
    { name: 'one shift for both', inputs: [{ shape: ['N', 3, 5] }], fields: { axes: [1, 2], shift: 1 } },
    { name: 'all around', inputs: [{ shape: ['N', 3] }], fields: { shift: 3 } },
  ],
});
