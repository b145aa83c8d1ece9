/**
 * Windows that slide over one to three spatial axes: the fields of convolutions and poolings, their texts for each
 * number of axes, and the arithmetic from a user's padding to the low and high padding of the ops.
 */
import type { FieldSchema } from '../frontend/describe';
import type { Fields, Json } from '../frontend/spec';
import { InternalError } from '../diagnostics/errors';
import type { Value } from '../ir/graph';
import type { LowerContext } from './define';
import { isNumbers } from './fields';

/** How many spatial axes there are. */
export type Rank = 1 | 2 | 3;

/** How texts speak of inputs with so many spatial axes. */
export const SPATIAL = {
  1: { noun: 'sequence', layout: '[N, C, L]', extents: 'L', axes: 'length', sides: '`[left, right]`', end: 'right' },
  2: {
    noun: 'image',
    layout: '[N, C, H, W]',
    extents: 'H, W',
    axes: '[height, width]',
    sides: '`[height, width]`, `[[top, bottom], [left, right]]`',
    end: 'bottom and right',
  },
  3: {
    noun: 'volume',
    layout: '[N, C, D, H, W]',
    extents: 'D, H, W',
    axes: '[depth, height, width]',
    sides: '`[depth, height, width]`, `[[front, back], [top, bottom], [left, right]]`',
    end: 'back, bottom and right',
  },
} as const;

/** Kernels count in 32 bits: nothing about a window may be larger. */
export const LARGEST = 2 ** 31 - 1;

/** An integer from `minimum` on, or a list with one for each spatial axis. */
export function perAxis(
  rank: Rank,
  description: string,
  rest: Readonly<Record<string, Json>> = {},
  minimum = 1,
): FieldSchema {
  const one = { type: 'integer', minimum } as const;
  if (rank === 1) return { description, ...one, ...rest };
  return {
    description: `${description} One number, or \`${SPATIAL[rank].axes}\`.`,
    anyOf: [one, { type: 'array', items: one, minItems: rank, maxItems: rank }],
    ...rest,
  };
}

/** The numbers of such a field, one for each axis. */
export function perAxisOf(fields: Fields, name: string, rank: Rank): readonly number[] {
  const value = fields[name];
  if (typeof value === 'number') return Array<number>(rank).fill(value);
  if (isNumbers(value) && value.length === rank) return value;
  throw new InternalError(
    `field '${name}' should be ${rank} numbers after validation, but is ${JSON.stringify(value)}`,
  );
}

const extent = { type: 'integer', minimum: 0 } as const;
const sides = { type: 'array', items: extent, minItems: 2, maxItems: 2 } as const;

/** The forms of explicit padding: one number, one for each axis, or both sides of each axis. */
export function explicitForms(rank: Rank): readonly Json[] {
  if (rank === 1) return [extent, sides];
  const list = (items: Json): Json => ({ type: 'array', items, minItems: rank, maxItems: rank });
  return [extent, list(extent), list(sides)];
}

export function paddingOver(rank: Rank, more: Readonly<Record<string, string>> = {}): FieldSchema {
  const { noun, sides: forms, end } = SPATIAL[rank];
  const others = Object.entries(more).map(([word, meaning]) => ` \`${word}\`: ${meaning}.`);
  return {
    description: `Zeros around the ${noun}: a number, ${forms}, \`valid\` (none), or \`same\`: as many as make the output ⌈input / stride⌉, the odd one at the ${end} (as TensorFlow).${others.join('')}`,
    anyOf: [{ enum: ['same', 'valid', ...Object.keys(more)] }, ...explicitForms(rank)],
    default: 0,
  };
}

export type Sides = readonly [low: number, high: number];

export interface Window {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

export interface Spatial {
  readonly batch: number;
  readonly channels: number;
  readonly size: readonly number[];
}

/** The images (sequences, volumes) a layer works on: refuses anything but floats with so many spatial axes. */
export function requireSpatial(context: LowerContext, input: Value, rank: Rank): Spatial {
  requireFloat(context, input);
  const [batch, channels, ...size] = input.type.shape;
  if (size.length !== rank || batch === undefined || channels === undefined) {
    context.mismatch('shape', `it works on ${SPATIAL[rank].noun}s of shape ${SPATIAL[rank].layout}`);
  }
  return { batch, channels, size };
}

export function requireImages(context: LowerContext, input: Value): readonly [number, number, number, number] {
  const { batch, channels, size } = requireSpatial(context, input, 2);
  return [batch, channels, size[0] ?? 1, size[1] ?? 1];
}

export function requireFloat(context: LowerContext, ...inputs: readonly Value[]): void {
  for (const { type } of inputs) {
    if (type.dtype !== 'f32') {
      context.mismatch('dtype', 'it computes with float32');
    }
  }
}

/** An explicit padding as low and high for each axis; nothing for a word. */
export function explicitPadding(padding: Json | undefined, rank: Rank = 2): readonly Sides[] | undefined {
  if (typeof padding === 'number') return Array<Sides>(rank).fill([padding, padding]);
  if (!Array.isArray(padding)) return undefined;
  if (rank === 1) return isNumbers(padding) ? [[padding[0] ?? 0, padding[1] ?? 0]] : undefined;
  return padding.map((item: Json): Sides => {
    if (typeof item === 'number') return [item, item];
    return isNumbers(item) ? [item[0] ?? 0, item[1] ?? 0] : [0, 0];
  });
}

/** What `same` and `causal` add around an axis of `n` elements. */
function paddingOfWord(word: Json | undefined, n: number, reach: number, stride: number): Sides {
  if (word === 'causal') return [reach - 1, 0];
  if (word !== 'same') return [0, 0];
  const needed = Math.max(0, (Math.ceil(n / stride) - 1) * stride + reach - n);
  return [Math.floor(needed / 2), Math.ceil(needed / 2)];
}

/** Resolves `stride` (the kernel unless said), `dilation` and `padding` of the fields; `size` is what the window slides over. */
export function slidingOf(
  context: Pick<LowerContext, 'fields' | 'fail'>,
  size: readonly number[],
  kernel: readonly number[],
): Window {
  const { fields } = context;
  const rank = size.length as Rank;
  const stride = fields['stride'] === undefined ? kernel : perAxisOf(fields, 'stride', rank);
  const dilation = fields['dilation'] === undefined ? size.map(() => 1) : perAxisOf(fields, 'dilation', rank);
  const explicit = explicitPadding(fields['padding'], rank);
  const both = size.map((n, axis) => {
    const reach = (dilation[axis] ?? 1) * ((kernel[axis] ?? 1) - 1) + 1;
    return explicit?.[axis] ?? paddingOfWord(fields['padding'], n, reach, stride[axis] ?? 1);
  });
  for (const [field, values] of Object.entries({ kernel, stride, dilation, padding: both.flat() })) {
    const over = values.find((value) => value > LARGEST);
    if (over !== undefined) context.fail([field], `a ${field} of ${over} is too large; the limit is ${LARGEST}`);
  }
  return { kernel, stride, dilation, low: both.map(([low]) => low), high: both.map(([, high]) => high) };
}

/** How far the kernel reaches along each axis, dilation included. */
export function reachOf({ kernel, dilation }: Window): number[] {
  return kernel.map((k, axis) => (dilation[axis] ?? 1) * (k - 1) + 1);
}

/** The window that the fields describe over the extents `size`; it must fit in at least once. */
export function windowOf(context: LowerContext, size: readonly number[], kernel: readonly number[]): Window {
  const window = slidingOf(context, size, kernel);
  const reach = reachOf(window);
  const padded = size.map((n, axis) => n + (window.low[axis] ?? 0) + (window.high[axis] ?? 0));
  if (reach.some((r, axis) => r > (padded[axis] ?? 0))) {
    const { noun } = SPATIAL[size.length as Rank];
    const dilated = window.dilation.some((d) => d > 1) ? `, dilated to ${reach.join('×')},` : '';
    context.mismatch(
      'shape',
      `kernel ${kernel.join('×')}${dilated} does not fit into ${noun === 'image' ? 'an' : 'a'} ${noun} of ${padded.join('×')}, padding included`,
      'use a smaller kernel or more padding, or pool less before this layer',
    );
  }
  return window;
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
