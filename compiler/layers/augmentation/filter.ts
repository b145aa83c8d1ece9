/** Sharpness and blur: filters over the pixels around each one, the same for all channels of a sample. */
import type { Value } from '../../ir/graph';
import type { Operand } from '../../ops/families/arithmetic';
import type { LowerContext } from '../define';
import { bordered } from '../shape/pad';
import { blend, heldWithin, type Range } from './color';
import type { Drawing, Images } from './drawing';

/** Away from (above 1) or towards (below) a smoothed image; the outermost pixels stay: torchvision, Pillow. */
export function sharpened(m: Drawing, { x, n, c, h, w }: Images, factor: Operand, range: Range): Value {
  if (h < 3 || w < 3) return x;
  const { b } = m;
  const kernel = b.constant(
    [1, 1, 1, 1, 5, 1, 1, 1, 1].map((v) => v / 13),
    [1, 1, 3, 3],
  );
  const alone = b.op('reshape', [x], { shape: [n * c, 1, h, w] });
  const smooth = b.op('conv', [alone, kernel], convolution(1));
  const back = b.op('reshape', [smooth], { shape: [n, c, h - 2, w - 2] });
  const border = [0, 0, 1, 1];
  const wide = b.op('pad', [back], { low: border, high: border, interior: [0, 0, 0, 0], value: 0 });
  const places = Array.from({ length: h * w }, (_, p) => {
    const [i, j] = [Math.floor(p / w), p % w];
    return i > 0 && i < h - 1 && j > 0 && j < w - 1 ? 1 : 0;
  });
  const inner = m.greater(b.constant(places, [1, 1, h, w]), 0);
  return heldWithin(m, m.where(inner, blend(m, x, wide, factor), x), range);
}

/** A Gaussian of `kernel` weights each way, as wide as `sigma` [N, 1] says; pixels are mirrored beyond the edges. */
export function blurred(
  context: LowerContext,
  m: Drawing,
  { x, n, c }: Images,
  kernel: readonly [number, number],
  sigma: Value,
): Value {
  return ([2, 3] as const).reduce((image, axis) => {
    const taps = kernel[axis - 2] ?? 1;
    if (taps === 1) return image;
    const half = (taps - 1) / 2;
    const wide = bordered(context, image, axis, [half, half], 'reflect');
    const squares = m.b.constant(
      Array.from({ length: taps }, (_, i) => -0.5 * (i - half) ** 2),
      [1, taps],
    );
    const bell = m.exp(m.div(squares, m.square(sigma)));
    const weights = m.div(bell, m.b.op('reduce_sum', [bell], { axes: [1], keepdims: true }));
    // Every plane has the weights of its sample: one group of a convolution for each.
    const each = m.b.op('broadcast_to', [m.b.op('reshape', [weights], { shape: [n, 1, taps] })], {
      shape: [n, c, taps],
    });
    const shape = axis === 2 ? [n * c, 1, taps, 1] : [n * c, 1, 1, taps];
    const [, , high = 1, across = 1] = wide.type.shape;
    const planes = m.b.op('reshape', [wide], { shape: [1, n * c, high, across] });
    const y = m.b.op('conv', [planes, m.b.op('reshape', [each], { shape })], convolution(n * c));
    return m.b.op('reshape', [y], { shape: image.type.shape });
  }, x);
}

function convolution(groups: number): Readonly<Record<string, number | readonly number[]>> {
  return { stride: [1, 1], padding_low: [0, 0], padding_high: [0, 0], dilation: [1, 1], groups };
}
