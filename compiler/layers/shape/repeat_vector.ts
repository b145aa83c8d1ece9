/** One vector at every step of a sequence. */
import { defineLayer } from '../define';
import { numberOf, positive } from '../fields';
import { broadcastTo, expandAt } from './pieces';

export const repeatVector = defineLayer({
  type: 'repeat_vector',
  summary: 'Makes a sequence of `repeats` equal steps of a vector.',
  details: "[N, C] becomes [N, repeats, C], as in Keras's RepeatVector. The gradient sums over the steps.",
  example: '{name: steps, type: repeat_vector, repeats: 5}',
  fields: { repeats: positive('The length of the sequence.') },
  required: ['repeats'],
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    const [batch, features] = input.type.shape;
    if (input.type.shape.length !== 2 || batch === undefined || features === undefined) {
      return context.mismatch('shape', 'it repeats vectors, of shape [N, C]');
    }
    const steps = numberOf(context.fields, 'repeats');
    return broadcastTo(context.b, expandAt(context.b, input, 1), [batch, steps, features]);
  },
  samples: [{ inputs: [{ shape: ['N', 3] }], fields: { repeats: 5 } }],
});
