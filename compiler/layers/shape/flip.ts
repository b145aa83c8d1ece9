/** Mirrors along axes. */
import { axesOf } from '../axis';
import { defineLayer } from '../define';
import { axesField } from '../fields';
import { reverseAlong } from './pieces';

export const flip = defineLayer({
  type: 'flip',
  summary: 'Reverses the order along one or several axes.',
  details:
    'Always, in every mode: as `flip` of PyTorch and Keras. Images [N, C, H, W] are mirrored left to right by `axes: 3`; sequences [N, T, C] run backwards with `axes: 1`.',
  example: '{name: mirrored, type: flip, axes: 3}',
  fields: { axes: axesField('The axes to reverse.') },
  required: ['axes'],
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    return axesOf(context, input).reduce((x, axis) => reverseAlong(context.b, x, axis), input);
  },
  samples: [
    { inputs: [{ shape: ['N', 2, 3, 5] }], fields: { axes: 3 } },
    { name: 'two axes', inputs: [{ shape: ['N', 3, 5] }], fields: { axes: [1, -1] } },
    { name: 'integers', inputs: [{ shape: ['N', 3], dtype: 'int32' }], fields: { axes: 1 } },
  ],
});
