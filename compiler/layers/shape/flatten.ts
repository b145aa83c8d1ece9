/** Joins axes: a view. */
import { elementCount } from '../../ir/types';
import { axisOf } from '../axis';
import { defineLayer } from '../define';
import { axisField } from '../fields';

export const flatten = defineLayer({
  type: 'flatten',
  summary: 'Joins all axes from `axis` on into one.',
  details: '[N, C, H, W] becomes [N, C·H·W]. A `dense` layer does this by itself.',
  example: '{name: flat, type: flatten}',
  fields: { axis: axisField('The first axis to join.', 1) },
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    const { shape } = input.type;
    const axis = axisOf(context, input);
    return context.b.op('reshape', [input], { shape: [...shape.slice(0, axis), elementCount(shape.slice(axis))] });
  },
});
