/** Copies beside each other. */
import { defineLayer } from '../define';
import { numbersOf } from '../fields';
import { repeatAlong } from './pieces';

export const tile = defineLayer({
  type: 'tile',
  summary: 'Puts copies of the whole input beside each other, along each axis as many as `repeats` says.',
  details:
    "`repeats` has a number for each axis, the batch axis included, as in PyTorch's and Keras's `tile`. Caffe's Tile with `axis: 1, tiles: 3` is `repeats: [1, 3, 1, 1]`. [a, b] becomes [a, b, a, b]; for [a, a, b, b] take `repeat_elements`. The gradient sums over the copies.",
  example: '{name: copies, type: tile, repeats: [1, 3, 1, 1]}',
  fields: {
    repeats: {
      description: 'How many copies, for each axis.',
      type: 'array',
      items: { type: 'integer', minimum: 1 },
      minItems: 1,
    },
  },
  required: ['repeats'],
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    const repeats = numbersOf(context.fields, 'repeats');
    const { shape } = input.type;
    if (repeats.length !== shape.length) {
      context.fail(
        ['repeats'],
        `${repeats.length} numbers for the ${shape.length} axes of the input [${shape.join(', ')}]`,
        'write a number for every axis, 1 for the batch axis',
      );
    }
    return repeats.reduce((x, times, axis) => repeatAlong(context.b, x, axis, times, false), input);
  },
  samples: [
    { inputs: [{ shape: ['N', 2, 3, 1] }], fields: { repeats: [1, 3, 1, 1] } },
    { name: 'two axes', inputs: [{ shape: ['N', 3, 5] }], fields: { repeats: [1, 2, 3] } },
    { name: 'the batch', inputs: [{ shape: ['N', 3] }], fields: { repeats: [2, 1] } },
  ],
});
