/** Parts of images of random area and shape, as `random_resized_crop` and `random_erasing` draw them; rectangles as masks. */
import type { Value } from '../../ir/graph';
import type { Operand } from '../../ops/families/arithmetic';
import type { Drawing, Images } from './drawing';

/** In pixels, for each sample. */
export interface Region {
  readonly left: Operand;
  readonly top: Operand;
  readonly width: Operand;
  readonly height: Operand;
}

const ATTEMPTS = 10;

/**
 * The first of ten draws that fits into the image; `smaller`: that is smaller than it both ways. Else the largest region
 * in the middle whose ratio is allowed, and `found` is 0.
 */
export function drawRegion(
  m: Drawing,
  { n, h, w }: Images,
  scale: readonly [number, number],
  ratio: readonly [number, number],
  smaller = false,
): Region & { readonly found: Value } {
  const { b } = m;
  const area = m.between('area', [scale[0] * h * w, scale[1] * h * w], ATTEMPTS);
  const shape = m.exp(m.between('ratio', [Math.log(ratio[0]), Math.log(ratio[1])], ATTEMPTS));
  const widths = m.op('round', m.sqrt(m.mul(area, shape)));
  const heights = m.op('round', m.sqrt(m.div(area, shape)));
  const most = (extent: number): number => (smaller ? extent - 1 : extent);
  const within = (x: Value, extent: number): Value => m.and(m.greaterEqual(x, 1), m.greaterEqual(most(extent), x));
  const fits = b.op('cast', [m.and(within(widths, w), within(heights, h))], { dtype: 'f32' });
  const first = b.op('reshape', [b.op('argmax', [fits], { axis: 1 })], { shape: [n, 1] });
  const found = b.op('reduce_max', [fits], { axes: [1], keepdims: true });
  const [wide, high] = largest(h, w, ratio);
  const any = m.greater(found, 0);
  const taken = (x: Value, otherwise: number): Value =>
    m.where(any, b.op('gather_elements', [x, first], { axis: 1 }), otherwise);
  const [width, height] = [taken(widths, wide), taken(heights, high)];
  const start = (purpose: string, extent: number, size: Value, own: number): Value =>
    m.where(any, m.below(purpose, m.sub(extent + 1, size)), Math.floor((extent - own) / 2));
  return { width, height, left: start('left', w, width, wide), top: start('top', h, height, high), found };
}

function largest(h: number, w: number, [low, high]: readonly [number, number]): readonly [wide: number, high: number] {
  if (w / h < low) return [w, Math.max(1, Math.round(w / low))];
  if (w / h > high) return [Math.max(1, Math.round(h * high)), h];
  return [w, h];
}

/** True inside of the rectangle, [N, 1, H, W]. */
export function rectangle(m: Drawing, { n, h, w }: Images, region: Region): Value {
  const { b } = m;
  const along = (axis: number, extent: number, from: Operand, size: Operand): Value => {
    const shape = [1, 1, 1, 1].with(axis, extent);
    const places = b.constant(
      Array.from({ length: extent }, (_, i) => i),
      shape,
    );
    const of = (x: Operand): Operand =>
      typeof x === 'number' || x.type.shape.length === 4 ? x : b.op('reshape', [x], { shape: [n, 1, 1, 1] });
    const offset = m.sub(places, of(from));
    return m.and(m.greaterEqual(offset, 0), m.op('less', offset, of(size)));
  };
  return m.and(along(2, h, region.top, region.height), along(3, w, region.left, region.width));
}
