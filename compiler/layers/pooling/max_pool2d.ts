/** Max pooling over windows: one `max_pool` op. */
import { defineLayer } from '../define';
import { poolingFields, poolingOf } from './pooling';

export const maxPool2d = defineLayer({
  type: 'max_pool2d',
  summary: 'The maximum of each window.',
  details: 'Input [N, C, H, W]. Padding never wins. The gradient goes to the first of equal maxima.',
  example: '{name: pool1, type: max_pool2d, kernel: 2}',
  fields: poolingFields,
  required: ['kernel'],
  arity: [1, 1],
  activates: true,
  lower(context, inputs) {
    const input = inputs[0]!;
    return context.b.ops('max_pool', [input], poolingOf(context, input).attrs)[0]!;
  },
});
