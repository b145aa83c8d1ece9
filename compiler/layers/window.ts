/**
 * Windows that slide over images: the fields of convolutions and poolings, and the arithmetic from a user's padding
 * to the low and high padding of the ops. Axes are H, W throughout.
 */
import type { FieldSchema } from '../frontend/describe';
import type { Json } from '../frontend/spec';
import type { Value } from '../ir/graph';
import type { LowerContext } from './define';
import { isNumbers, pairOf } from './fields';

/** Kernels count in 32 bits: nothing about a window may be larger. */
const LARGEST = 2 ** 31 - 1;

const extent = { type: 'integer', minimum: 0 } as const;

/** The forms of explicit padding. */
export const EXPLICIT_PADDING: readonly Json[] = [
  extent,
  { type: 'array', items: extent, minItems: 2, maxItems: 2 },
  { type: 'array', items: { type: 'array', items: extent, minItems: 2, maxItems: 2 }, minItems: 2, maxItems: 2 },
];

export const paddingField: FieldSchema = {
  description:
    'Zeros around the image: a number, `[height, width]`, `[[top, bottom], [left, right]]`, `valid` (none), or `same`: as many as make the output ⌈input / stride⌉, the odd one at the bottom and right (as TensorFlow).',
  anyOf: [{ enum: ['same', 'valid'] }, ...EXPLICIT_PADDING],
  default: 0,
};

export interface Window {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** The images a layer works on: refuses anything that is not [N, C, H, W] of floats. */
export function requireImages(context: LowerContext, input: Value): readonly [number, number, number, number] {
  requireFloat(context, input);
  const [n, c, h, w] = input.type.shape;
  if (input.type.shape.length !== 4 || n === undefined || c === undefined || h === undefined || w === undefined) {
    context.mismatch('shape', 'it works on images of shape [N, C, H, W]');
  }
  return [n, c, h, w];
}

export function requireFloat(context: LowerContext, ...inputs: readonly Value[]): void {
  for (const { type } of inputs) {
    if (type.dtype !== 'f32') {
      context.mismatch('dtype', 'it computes with float32');
    }
  }
}

/** An explicit padding as low and high for each axis. */
export function explicitPadding(padding: Json | undefined): readonly (readonly [number, number])[] | undefined {
  if (typeof padding === 'number') {
    return [
      [padding, padding],
      [padding, padding],
    ];
  }
  if (!Array.isArray(padding)) return undefined;
  return padding.map((item: Json) => {
    if (typeof item === 'number') return [item, item];
    return isNumbers(item) ? [item[0] ?? 0, item[1] ?? 0] : [0, 0];
  });
}

/** Resolves kernel, stride, dilation and padding against the extents `size` of the image. */
export function windowOf(context: LowerContext, size: readonly [number, number], kernel: readonly number[]): Window {
  const { fields } = context;
  const stride = fields['stride'] === undefined ? kernel : pairOf(fields, 'stride');
  const dilation = fields['dilation'] === undefined ? [1, 1] : pairOf(fields, 'dilation');
  const reach = kernel.map((k, axis) => (dilation[axis] ?? 1) * (k - 1) + 1);
  const explicit = explicitPadding(fields['padding']);
  const both = size.map((n, axis): readonly [number, number] => {
    if (explicit) return explicit[axis] ?? [0, 0];
    if (fields['padding'] !== 'same') return [0, 0];
    const step = stride[axis] ?? 1;
    const needed = Math.max(0, (Math.ceil(n / step) - 1) * step + (reach[axis] ?? 1) - n);
    return [Math.floor(needed / 2), Math.ceil(needed / 2)];
  });
  for (const [field, values] of Object.entries({ kernel, stride, dilation, padding: both.flat() })) {
    const over = values.find((value) => value > LARGEST);
    if (over !== undefined) context.fail([field], `a ${field} of ${over} is too large; the limit is ${LARGEST}`);
  }
  const low = both.map((sides) => sides[0]);
  const high = both.map((sides) => sides[1]);
  const padded = size.map((n, axis) => n + (low[axis] ?? 0) + (high[axis] ?? 0));
  if (reach.some((r, axis) => r > (padded[axis] ?? 0))) {
    const dilated = dilation.some((d) => d > 1) ? `, dilated to ${reach.join('×')},` : '';
    context.mismatch(
      'shape',
      `kernel ${kernel.join('×')}${dilated} does not fit into an image of ${padded.join('×')}, padding included`,
      'use a smaller kernel or more padding, or pool less before this layer',
    );
  }
  return { kernel, stride, dilation, low, high };
}

/**
 * Rounds the number of windows up instead of down: how much padding must be added at the end for that. As in PyTorch
 * and Caffe, a window that would start beyond the input and its leading padding is dropped.
 */
export function ceilOverhang(size: readonly number[], { kernel, stride, low, high }: Window): readonly number[] {
  return size.map((n, axis) => {
    const [k, s, l, h] = [kernel[axis] ?? 1, stride[axis] ?? 1, low[axis] ?? 0, high[axis] ?? 0];
    let windows = Math.ceil((n + l + h - k) / s) + 1;
    if ((windows - 1) * s >= n + l) windows--;
    return Math.max(0, (windows - 1) * s + k - (n + l + h));
  });
}
