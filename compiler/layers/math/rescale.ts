/** Numbers brought to another range. */
import { Arithmetic } from '../../ops/families/arithmetic';
import { defineLayer } from '../define';
import { numberOf } from '../fields';
import { requireNumbers } from '../merge/merge';

export const rescale = defineLayer({
  type: 'rescale',
  summary: 'scale · x + offset, in float32.',
  details:
    "Keras' Rescaling. Integers are converted first: bytes become 0 … 1 with a scale of 1/255. Caffe subtracts a mean before it scales: an offset of −scale · mean.",
  example: '{name: pixels, type: rescale, scale: 0.00392156862745098}',
  fields: {
    scale: { description: 'What x is multiplied by.', type: 'number' },
    offset: { description: 'What is added to that.', type: 'number', default: 0 },
  },
  required: ['scale'],
  samples: [
    { inputs: [{ shape: ['N', 3, 5], dtype: 'uint8', range: [0, 255] }], fields: { scale: 1 / 255 } },
    { inputs: [{ shape: ['N', 5] }], fields: { scale: 2, offset: -1 } },
  ],
  arity: [1, 1],
  lower(context, inputs) {
    const x = inputs[0]!;
    requireNumbers(context, inputs);
    const m = new Arithmetic(context.b, 'f32');
    const numbers = x.type.dtype === 'f32' ? x : context.b.op('cast', [x], { dtype: 'f32' });
    const offset = numberOf(context.fields, 'offset');
    const scaled = m.mul(numbers, numberOf(context.fields, 'scale'));
    return offset === 0 ? scaled : m.add(scaled, offset);
  },
});
