/** Joins tensors along a new axis, and takes them apart again. */
import { sameType } from '../../ir/types';
import { axisOf, resolveAxis } from '../axis';
import { MANY, defineLayer } from '../define';
import { axisField, numberOf } from '../fields';
import { dropAxis, expandAt, splitAlong } from './pieces';

export const stack = defineLayer({
  type: 'stack',
  summary: 'Joins inputs of one shape along a new axis.',
  details: 'Three inputs [N, C] become [N, 3, C] with `axis: 1`. To join along an axis that is there, take `concat`.',
  example: '{name: steps, type: stack, inputs: [first, second]}',
  fields: { axis: axisField('Where the new axis stands in the output.', 1) },
  arity: [1, MANY],
  lower(context, inputs) {
    const { b } = context;
    const first = inputs[0]!;
    if (inputs.some((input) => input.type.dtype !== first.type.dtype)) {
      context.mismatch('dtype', 'the inputs have different element types');
    }
    if (inputs.some((input) => !sameType(input.type, first.type))) {
      context.mismatch('shape', 'the inputs have different shapes');
    }
    const places = [...first.type.shape, inputs.length];
    const axis = resolveAxis(context, numberOf(context.fields, 'axis'), places, ['axis'], 0, 'output');
    const wide = inputs.map((input) => expandAt(b, input, axis));
    return wide.length === 1 ? wide[0]! : b.op('concat', wide, { axis });
  },
  samples: [
    { inputs: [{ shape: ['N', 3] }, { shape: ['N', 3] }] },
    {
      name: 'last',
      inputs: [{ shape: ['N', 2, 3] }, { shape: ['N', 2, 3] }, { shape: ['N', 2, 3] }],
      fields: { axis: -1 },
    },
    { name: 'one input', inputs: [{ shape: ['N', 3], dtype: 'int32' }], fields: { axis: 0 } },
  ],
});

export const unstack = defineLayer({
  type: 'unstack',
  summary: 'Takes the slices of an axis apart, each without the axis.',
  details:
    'The slices are `name.0`, `name.1`, …; the plain name is the first one. `unbind` of PyTorch, `unstack` of Keras. `count` says how many there are, so that references can be checked before any shape is known.',
  example: '{name: steps, type: unstack, count: 5}',
  fields: {
    count: { description: 'The extent of the axis.', type: 'integer', minimum: 1, maximum: 10_000 },
    axis: axisField('The axis to take apart.', 1),
  },
  required: ['count'],
  arity: [1, 1],
  first: '0',
  outputs: ({ count }) => Array.from({ length: Number(count) - 1 }, (_, i) => String(i + 1)),
  lower(context, inputs) {
    const { b } = context;
    const input = inputs[0]!;
    const axis = axisOf(context, input);
    const count = numberOf(context.fields, 'count');
    if (input.type.shape[axis] !== count) {
      context.fail(['count'], `axis ${axis} has extent ${input.type.shape[axis]}, not ${count}`);
    }
    const sizes = Array.from({ length: count }, () => 1);
    return splitAlong(b, input, axis, sizes).map((piece) => dropAxis(b, piece, axis));
  },
  samples: [
    { inputs: [{ shape: ['N', 5, 3] }], fields: { count: 5 } },
    { name: 'last axis', inputs: [{ shape: ['N', 5, 2] }], fields: { count: 2, axis: -1 } },
    { name: 'one slice', inputs: [{ shape: ['N', 1] }], fields: { count: 1 } },
  ],
});
