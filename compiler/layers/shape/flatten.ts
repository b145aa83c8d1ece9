/** Joins axes: a view. */
import { elementCount } from '../../ir/types';
import { axisOf, resolveAxis } from '../axis';
import { defineLayer } from '../define';
import { axisField, numberOf } from '../fields';
import { reshapeTo } from './pieces';

export const flatten = defineLayer({
  type: 'flatten',
  summary: 'Joins the axes from `axis` to `end_axis` into one.',
  details:
    "[N, C, H, W] becomes [N, C·H·W]. A `dense` layer does this by itself. The fields are those of Caffe's Flatten; PyTorch calls them start_dim and end_dim, and its function (not its layer) begins at axis 0.",
  example: '{name: flat, type: flatten}',
  fields: {
    axis: axisField('The first axis to join.', 1),
    end_axis: axisField('The last axis to join.', -1),
  },
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    const { shape } = input.type;
    const axis = axisOf(context, input);
    const end = resolveAxis(context, numberOf(context.fields, 'end_axis'), shape, ['end_axis']);
    if (end < axis) context.fail(['end_axis'], `axis ${end} comes before axis ${axis}, where joining begins`);
    const joined = elementCount(shape.slice(axis, end + 1));
    return reshapeTo(context.b, input, [...shape.slice(0, axis), joined, ...shape.slice(end + 1)]);
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5, 2] }] },
    { name: 'in the middle', inputs: [{ shape: ['N', 3, 5, 2] }], fields: { axis: 1, end_axis: -2 } },
    { name: 'nothing to join', inputs: [{ shape: ['N', 3] }] },
  ],
});
