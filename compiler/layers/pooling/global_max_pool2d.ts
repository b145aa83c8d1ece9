/** Max pooling over whole images: one window as large as the image, so that gradients go to one place. */
import { defineLayer } from '../define';
import { flagOf } from '../fields';
import { globalPooling } from './pooling';
import { requireImages } from '../window';

export const globalMaxPool2d = defineLayer({
  ...globalPooling,
  type: 'global_max_pool2d',
  summary: 'The maximum of each channel over the whole image.',
  example: '{name: pool, type: global_max_pool2d}',
  arity: [1, 1],
  lower(context, inputs) {
    const { b } = context;
    const [n, c, height, width] = requireImages(context, inputs[0]!);
    const size = [height, width];
    const attrs = { kernel: size, stride: size, padding_low: [0, 0], padding_high: [0, 0] };
    const pooled = b.ops('max_pool', inputs, attrs)[0]!;
    return flagOf(context.fields, 'keepdims') ? pooled : b.op('reshape', [pooled], { shape: [n, c] });
  },
});
