/** Puts a border around images. */
import { defineLayer } from '../define';
import { numberOf } from '../fields';
import { EXPLICIT_PADDING, explicitPadding, requireImages } from '../window';

export const pad = defineLayer({
  type: 'pad',
  summary: 'Puts a border of one value around each image.',
  details: 'Input [N, C, H, W], output [N, C, H + top + bottom, W + left + right].',
  example: '{name: border, type: pad, padding: [[0, 1], [0, 1]]}',
  fields: {
    padding: {
      description: 'Width of the border: a number, `[height, width]`, or `[[top, bottom], [left, right]]`.',
      anyOf: EXPLICIT_PADDING,
    },
    value: { description: 'What the border holds.', type: 'number', default: 0 },
  },
  required: ['padding'],
  arity: [1, 1],
  lower(context, inputs) {
    requireImages(context, inputs[0]!);
    const sides = explicitPadding(context.fields['padding']) ?? [];
    return context.b.op('pad', inputs, {
      low: [0, 0, ...sides.map((side) => side[0])],
      high: [0, 0, ...sides.map((side) => side[1])],
      interior: [0, 0, 0, 0],
      value: numberOf(context.fields, 'value'),
    });
  },
});
