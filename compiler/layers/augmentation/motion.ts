/**
 * Images that are moved, and masks of labels that are moved with them: by affine maps of each sample, or point by point.
 * Maps go from the output to the input and are [N, 6], as `sample_image` takes them.
 */
import type { FieldSchema } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import { isFloat } from '../../ir/types';
import { BORDERS } from '../../ops/families/image_sampling';
import type { Operand } from '../../ops/families/arithmetic';
import type { LowerContext } from '../define';
import { numberOf, wordOf } from '../fields';
import type { Drawing, Images } from './drawing';

export const MASK_NOTE =
  'A second input is a mask [N, H, W] or [N, M, H, W] of labels of any type: the same draw moves it, each place taking the label nearest to it, and `<name>.mask` gives it. Without one `<name>.mask` is [N, 1, height, width], 1 where the output shows the image and 0 where it lies beyond.';

/** Fields of what may look beyond the edges of an image. */
export const borderFields: Readonly<Record<string, FieldSchema>> = {
  border: {
    description:
      'What lies beyond the edges, in the words of `pad`: `constant`, `edge`, `reflect` (c b a b c), `symmetric` (b a a b c c b), `wrap`. Keras calls symmetric `reflect`, its default, and edge `nearest`; torchvision has `constant` alone.',
    enum: [...BORDERS],
    default: 'constant',
  },
  value: { description: 'What a constant border holds. Default: 0.', type: 'number' },
  mask_value: { description: 'What a constant border of the mask holds. Default: 0.', type: 'number' },
};

export const methodField: FieldSchema = {
  description: 'How values between pixels are found.',
  enum: ['bilinear', 'nearest'],
  default: 'bilinear',
};

/** The sample shapes of images with and without a mask, for every layer that moves them. */
export const SAMPLE_IMAGE = { shape: ['N', 2, 5, 7] } as const;
export const SAMPLE_LABELS = { shape: ['N', 5, 7], dtype: 'int32', range: [0, 9] } as const;

const LIMITS: Readonly<Record<string, readonly [number, number]>> = {
  i32: [-(2 ** 31), 2 ** 31 - 1],
  i64: [-(2 ** 53), 2 ** 53],
  u8: [0, 255],
  bool: [0, 1],
};

function maskPlanes(context: LowerContext, { n, h, w }: Images, mask: Value): Value {
  const { shape } = mask.type;
  const planes = shape.length === 3 ? [n, 1, h, w] : [n, shape[1] ?? 1, h, w];
  if (
    (shape.length !== 3 && shape.length !== 4) ||
    [n, h, w].some((e, i) => e !== (i === 0 ? shape[0] : shape.at(i - 3)))
  ) {
    context.mismatch('shape', `a mask of these images is [${n}, ${h}, ${w}] or [${n}, M, ${h}, ${w}]`);
  }
  return shape.length === 4 ? mask : context.b.op('reshape', [mask], { shape: planes });
}

/** A constant's value, refused where nothing is constant. */
function valueOf(context: LowerContext, field: string, border: string): number {
  const value = context.fields[field];
  if (value === undefined) return 0;
  if (border !== 'constant') context.fail([field], `it has no effect with \`border: ${border}\``);
  return numberOf(context.fields, field);
}

function maskValueOf(context: LowerContext, mask: Value | undefined, border: string): number {
  if (context.fields['mask_value'] !== undefined && !mask) context.fail(['mask_value'], 'there is no mask to fill');
  const value = valueOf(context, 'mask_value', border);
  const [low, high] = LIMITS[mask?.type.dtype ?? ''] ?? [-Infinity, Infinity];
  if (mask && !isFloat(mask.type.dtype) && (!Number.isInteger(value) || value < low || value > high)) {
    context.fail(['mask_value'], `${value} is no ${mask.type.dtype}`);
  }
  return value;
}

export interface Movement {
  /** [N, 6] or [N, height, width, 2]; undefined: nothing moves. */
  readonly points: Value | undefined;
  readonly height: number;
  readonly width: number;
  readonly method?: string;
}

/** The images and the mask, moved; fields that suit no border or no mask are refused in every mode. */
export function moved(context: LowerContext, images: Images, inputs: readonly Value[], by: Movement): readonly Value[] {
  const { b, fields } = context;
  const mask = inputs[1] && maskPlanes(context, images, inputs[1]);
  const border = fields['border'] === undefined ? 'edge' : wordOf(fields, 'border');
  const value = valueOf(context, 'value', border);
  const maskValue = maskValueOf(context, mask, border);
  const { points, height, width } = by;
  if (!points) return [images.x, inputs[1] ?? b.full(1, [images.n, 1, height, width])];
  const size = { height, width };
  const method = by.method ?? wordOf(fields, 'method');
  const y = b.op('sample_image', [images.x, points], { ...size, method, border, value });
  if (!mask) {
    const everywhere = b.full(1, [images.n, 1, images.h, images.w]);
    const seen = { ...size, method: 'nearest', border: fields['border'] === undefined ? 'edge' : 'constant', value: 0 };
    return [y, b.op('sample_image', [everywhere, points], seen)];
  }
  const labels = b.op('sample_image', [mask, points], { ...size, method: 'nearest', border, value: maskValue });
  const flat = inputs[1]?.type.shape.length === 3;
  return [y, flat ? b.op('reshape', [labels], { shape: [images.n, height, width] }) : labels];
}

/** What an affine augmentation does to an image, about its middle; angles in radians. */
export interface Affine {
  /** Counter-clockwise. */
  readonly turn?: Operand;
  readonly shearX?: Operand;
  readonly shearY?: Operand;
  /** Above 1: larger. */
  readonly scaleX?: Operand;
  readonly scaleY?: Operand;
  /** In pixels, to the right and down. */
  readonly moveX?: Operand;
  readonly moveY?: Operand;
}

/**
 * The map of the inverse: q = middle + A⁻¹ (p − middle − move) with A = turn · shear y · shear x · scale, torchvision's
 * order. Turning and shearing have determinant 1, so that only the scales are divided by.
 */
export function affineMap(m: Drawing, { h, w }: Images, affine: Affine, hit?: Value): Value {
  const { turn = 0, shearX = 0, shearY = 0, scaleX = 1, scaleY = 1, moveX = 0, moveY = 0 } = affine;
  const [cos, sin] = turn === 0 ? [1, 0] : [m.cos(turn), m.sin(turn)];
  const tan = (angle: Operand): Operand => (angle === 0 ? 0 : m.op('tan', angle));
  const [tanX, tanY] = [tan(shearX), tan(shearY)];
  const a = m.sub(cos, m.mul(sin, tanY));
  const b = m.sub(sin, m.mul(a, tanX));
  const c = m.neg(m.add(sin, m.mul(cos, tanY)));
  const d = m.sub(cos, m.mul(c, tanX));
  const back = [m.div(d, scaleX), m.neg(m.div(b, scaleX)), m.neg(m.div(c, scaleY)), m.div(a, scaleY)] as const;
  const [middleX, middleY] = [(w - 1) / 2, (h - 1) / 2];
  const from = (alongX: Value, alongY: Value, middle: number): Value =>
    m.sub(middle, m.add(m.mul(alongX, m.add(moveX, middleX)), m.mul(alongY, m.add(moveY, middleY))));
  const [t0, t1, t3, t4] = back;
  const map = mapOf(m, [t0, t1, from(t0, t1, middleX), t3, t4, from(t3, t4, middleY)]);
  return hit ? m.where(hit, map, m.b.constant([1, 0, 0, 0, 1, 0], [1, 6])) : map;
}

/** Six numbers for each sample, side by side. */
export function mapOf(m: Drawing, numbers: readonly Operand[]): Value {
  const columns = numbers.map((number) => m.b.op('broadcast_to', [m.value(number)], { shape: [m.samples, 1] }));
  return m.b.op('concat', columns, { axis: 1 });
}
