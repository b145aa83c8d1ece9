/** What the windowed poolings share: their fields, and the windows these describe. */
import type { Described } from '../../frontend/describe';
import type { LowerContext } from '../define';
import { flag, flagOf, pair, pairOf } from '../fields';
import type { Attrs, Value } from '../../ir/graph';
import { ceilOverhang, paddingField, requireImages, windowOf } from '../window';

export const poolingFields: Described['fields'] = {
  kernel: pair('Size of the window.'),
  stride: pair('Distance between neighbouring windows; the size of the window unless said.'),
  padding: paddingField,
  ceil_mode: flag(
    'Rounds the number of windows up instead of down, so that the last ones may hang over the edge (the way of Caffe).',
    false,
  ),
};

export function poolingOf(
  context: LowerContext,
  input: Value,
): { readonly attrs: Attrs; readonly overhang: readonly number[] } {
  const [, , height, width] = requireImages(context, input);
  const window = windowOf(context, [height, width], pairOf(context.fields, 'kernel'));
  const { kernel, stride, low, high } = window;
  if (kernel.some((k, axis) => Math.max(low[axis] ?? 0, high[axis] ?? 0) >= k)) {
    context.fail(
      ['padding'],
      `padding of ${kernel.map((_, axis) => Math.max(low[axis] ?? 0, high[axis] ?? 0)).join('×')} leaves windows of ${kernel.join('×')} with nothing but padding in them`,
      'pad by less than the kernel',
    );
  }
  const overhang = flagOf(context.fields, 'ceil_mode') ? ceilOverhang([height, width], window) : [0, 0];
  const attrs = { kernel, stride, padding_low: low, padding_high: high.map((h, axis) => h + (overhang[axis] ?? 0)) };
  return { attrs, overhang };
}

/** What the poolings over whole images have in common. */
export const globalPooling = {
  details: 'Input [N, C, H, W], output [N, C], or [N, C, 1, 1] with `keepdims`.',
  fields: { keepdims: flag('Keeps height and width as axes of extent 1.', false) },
};
