/** Average pooling over windows: one `avg_pool` op. */
import { defineLayer } from '../define';
import { flag, flagOf } from '../fields';
import { poolingFields, poolingOf } from './pooling';

export const avgPool2d = defineLayer({
  type: 'avg_pool2d',
  summary: 'The mean of each window.',
  details:
    'Input [N, C, H, W]. Whether zeros of the padding count in the divisor is `count_include_pad`; what hangs over the padding because of `ceil_mode` never does.',
  example: '{name: pool3, type: avg_pool2d, kernel: 3, stride: 2, ceil_mode: true}',
  fields: {
    ...poolingFields,
    count_include_pad: flag('Counts the padding in the divisor, as PyTorch and Caffe; Keras does not.', true),
  },
  required: ['kernel'],
  arity: [1, 1],
  activates: true,
  lower(context, inputs) {
    const input = inputs[0]!;
    const { attrs, overhang } = poolingOf(context, input);
    const count_include_pad = flagOf(context.fields, 'count_include_pad');
    return context.b.op('avg_pool', [input], { ...attrs, overhang, count_include_pad });
  },
});
