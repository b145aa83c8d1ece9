/** Reorders axes. */
import { defineLayer } from '../define';
import { axesOf } from '../axis';
import { transposeTo } from './pieces';

export const permute = defineLayer({
  type: 'permute',
  summary: 'Reorders the axes: axis i of the output is axis `axes[i]` of the input.',
  details:
    "All axes are listed, the batch axis included and counted from 0, as in PyTorch's `permute` and the Permute of Caffe's SSD branch. Keras's Permute leaves the batch axis out and counts from 1: `dims: (2, 1)` there is `axes: [0, 2, 1]` here.",
  example: '{name: last, type: permute, axes: [0, 2, 3, 1]}',
  fields: {
    axes: {
      description: 'The axes of the input, each once, in the order of the output. Negative numbers count from the end.',
      type: 'array',
      items: { type: 'integer' },
      minItems: 1,
    },
  },
  required: ['axes'],
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    const axes = axesOf(context, input);
    const rank = input.type.shape.length;
    if (axes.length !== rank) {
      context.fail(
        ['axes'],
        `${axes.length} axes are listed, the input [${input.type.shape.join(', ')}] has ${rank}`,
        'list every axis, the batch axis 0 too',
      );
    }
    return transposeTo(context.b, input, axes);
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5, 2] }], fields: { axes: [0, 2, 3, 1] } },
    { name: 'batch moved', inputs: [{ shape: ['N', 3, 5] }], fields: { axes: [1, -1, 0] } },
    { name: 'as it is', inputs: [{ shape: ['N', 3] }], fields: { axes: [0, 1] } },
    { name: 'integers', inputs: [{ shape: ['N', 3, 2], dtype: 'int32' }], fields: { axes: [0, 2, 1] } },
  ],
});
