/** Average pooling over whole images. */
import { defineLayer } from '../define';
import { flagOf } from '../fields';
import { globalPooling } from './pooling';
import { requireImages } from '../window';

export const globalAvgPool2d = defineLayer({
  ...globalPooling,
  type: 'global_avg_pool2d',
  summary: 'The mean of each channel over the whole image.',
  example: '{name: pool, type: global_avg_pool2d}',
  arity: [1, 1],
  lower(context, inputs) {
    const { b } = context;
    const [, , height, width] = requireImages(context, inputs[0]!);
    const sum = b.op('reduce_sum', inputs, { axes: [2, 3], keepdims: flagOf(context.fields, 'keepdims') });
    return b.op('mul', [sum, b.full(1 / (height * width))]);
  },
});
