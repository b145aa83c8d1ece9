/**
 * What is done to the colours of images: functions of an image and a factor for each sample, [N, 1, 1, 1], which
 * `adjust.ts` makes layers of. They are torchvision's, on planes R, G, B.
 */
import type { FieldSchema } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import type { Operand } from '../../ops/families/arithmetic';
import type { LowerContext } from '../define';
import { isNumbers } from '../fields';
import { splitAlong } from '../shape/pieces';
import type { Drawing, Images } from './drawing';

/** The least and the greatest value of an image; undefined: values are not held. */
export type Range = readonly [low: number, high: number] | undefined;

export const valueRangeField: FieldSchema = {
  description:
    'The least and the greatest value of an image, which results are held within. `none` holds nothing: for images that are normalized already.',
  anyOf: [{ type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 }, { const: 'none' }],
  default: [0, 1],
};

/** For changes that make no sense without the two ends. */
export const endsField: FieldSchema = {
  description: 'The least and the greatest value of an image.',
  type: 'array',
  items: { type: 'number' },
  minItems: 2,
  maxItems: 2,
  default: [0, 1],
};

export function valueRangeOf(context: LowerContext): Range {
  const value = context.fields['value_range'];
  return isNumbers(value) ? endsOf(context) : undefined;
}

export function endsOf(context: LowerContext): readonly [number, number] {
  const value = context.fields['value_range'];
  const [low = 0, high = 1] = isNumbers(value) ? value : [];
  if (low >= high) context.fail(['value_range'], `nothing lies between ${low} and ${high}`);
  return [low, high];
}

export function heldWithin(m: Drawing, x: Value, range: Range): Value {
  return range ? m.minimum(m.maximum(x, range[0]), range[1]) : x;
}

/** factor · x + (1 − factor) · other. */
export function blend(m: Drawing, x: Value, other: Value, factor: Operand): Value {
  return m.add(other, m.mul(factor, m.sub(x, other)));
}

/** Luma of ITU-R BT.601, as torchvision and Pillow have it; an image of one channel is grey already. */
export function grayOf(m: Drawing, { x, c }: Images): Value {
  if (c === 1) return x;
  const weights = m.b.constant([0.2989, 0.587, 0.114], [1, 3, 1, 1]);
  return m.b.op('reduce_sum', [m.mul(x, weights)], { axes: [1], keepdims: true });
}

export function requireColor(context: LowerContext, { c }: Images): void {
  if (c !== 1 && c !== 3) context.mismatch('shape', 'it takes images of 1 channel, or of 3: red, green, blue');
}

export const brighter = (m: Drawing, { x }: Images, factor: Operand, range: Range): Value =>
  heldWithin(m, m.mul(x, factor), range);

export function contrasted(m: Drawing, images: Images, factor: Operand, range: Range, of: 'gray' | 'channel'): Value {
  const from = of === 'gray' ? grayOf(m, images) : images.x;
  const sum = m.b.op('reduce_sum', [from], { axes: of === 'gray' ? [1, 2, 3] : [2, 3], keepdims: true });
  const mean = m.mul(sum, 1 / (images.h * images.w));
  return heldWithin(m, blend(m, images.x, mean, factor), range);
}

export const saturated = (m: Drawing, images: Images, factor: Operand, range: Range): Value =>
  images.c === 1 ? images.x : heldWithin(m, blend(m, images.x, grayOf(m, images), factor), range);

/**
 * Turns the hue by a share of the circle: to hue, saturation and value and back. With v the largest of the three, d the
 * distance to the least and h the hue in sixths, a plane is v − d · clamp(min(k, 4 − k), 0, 1), k = (n + h) mod 6,
 * with n = 5, 3, 1 for red, green and blue.
 */
export function hueTurned(m: Drawing, { x, c }: Images, turn: Operand): Value {
  if (c === 1) return x;
  const { b } = m;
  const [red, green, blue] = splitAlong(b, x, 1, [1, 1, 1]) as readonly [Value, Value, Value];
  const most = m.maximum(m.maximum(red, green), blue);
  const distance = m.sub(most, m.minimum(m.minimum(red, green), blue));
  // Grey has no hue; its distance is 0 in what follows, whatever hue it is given.
  const unit = m.where(m.greater(distance, 0), distance, 1);
  const between = (low: Value, high: Value, start: number): Value => m.add(m.div(m.sub(high, low), unit), start);
  const hue = m.where(
    m.equal(most, red),
    between(blue, green, 0),
    m.where(m.equal(most, green), between(red, blue, 2), between(green, red, 4)),
  );
  const turned = m.add(hue, m.mul(turn, 6));
  const plane = (n: number): Value => {
    const k = m.op('mod', m.add(turned, n), 6);
    return m.sub(most, m.mul(distance, m.minimum(m.maximum(m.minimum(k, m.sub(4, k)), 0), 1)));
  };
  return b.op('concat', [plane(5), plane(3), plane(1)], { axis: 1 });
}

export function solarized(
  m: Drawing,
  { x }: Images,
  threshold: Operand,
  [low, high]: readonly [number, number],
): Value {
  return m.where(m.greaterEqual(x, threshold), m.sub(low + high, x), x);
}

/** Keeps the upper bits of eight: what `step` = 2^(8 − bits) divides. */
export function posterized(m: Drawing, { x }: Images, step: Operand, [low, high]: readonly [number, number]): Value {
  const bytes = m.op('floor', m.add(m.mul(m.sub(x, low), 255 / (high - low)), 0.5));
  const kept = m.mul(m.op('floor', m.div(bytes, step)), step);
  return m.add(m.mul(kept, (high - low) / 255), low);
}

/** Stretches each channel from its own least and greatest value to both ends; a channel of one value stays. */
export function autoContrasted(m: Drawing, { x }: Images, [low, high]: readonly [number, number]): Value {
  const attrs = { axes: [2, 3], keepdims: true };
  const [least, most] = [m.b.op('reduce_min', [x], attrs), m.b.op('reduce_max', [x], attrs)];
  const extent = m.sub(most, least);
  const flat = m.op('less_equal', extent, 0);
  const stretched = m.add(m.mul(m.sub(x, least), m.div(high - low, m.where(flat, 1, extent))), low);
  return m.where(flat, x, stretched);
}
