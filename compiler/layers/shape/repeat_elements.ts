/** Each element several times in a row. */
import { axisOf } from '../axis';
import { defineLayer } from '../define';
import { axisField, numberOf, positive } from '../fields';
import { repeatAlong } from './pieces';

export const repeatElements = defineLayer({
  type: 'repeat_elements',
  summary: 'Repeats each slice of an axis several times in a row.',
  details:
    "[a, b] becomes [a, a, b, b]: `repeat` of NumPy and Keras, `repeat_interleave` of PyTorch. For [a, b, a, b] take `tile`. On the time axis it is Keras's UpSampling1D.",
  example: '{name: slow, type: repeat_elements, repeats: 2, axis: 1}',
  fields: {
    repeats: positive('How many times each slice stands in the output.'),
    axis: axisField('The axis along which slices are repeated.', 1),
  },
  required: ['repeats'],
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    return repeatAlong(context.b, input, axisOf(context, input), numberOf(context.fields, 'repeats'), true);
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }], fields: { repeats: 2, axis: 1 } },
    { name: 'last axis', inputs: [{ shape: ['N', 5] }], fields: { repeats: 3, axis: -1 } },
  ],
});
