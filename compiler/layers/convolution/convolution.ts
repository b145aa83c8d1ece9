/**
 * What the convolutions of every kind and number of axes share: their fields, the checks of channels and groups, and
 * the way from a window to the `conv` op. Each layer of the family is a few lines on top of this.
 */
import type { FieldSchema, Sample } from '../../frontend/describe';
import type { Fields } from '../../frontend/spec';
import type { Value } from '../../ir/graph';
import { elementCount } from '../../ir/types';
import type { LowerContext } from '../define';
import { flag, flagOf, numberOf, positive, wordOf } from '../fields';
import type { Border } from '../shape/pad';
import { bordered } from '../shape/pad';
import type { Rank, Window } from '../window';
import { paddingOver, perAxis, reachOf, SPATIAL } from '../window';

export const filtersField = positive('Number of output channels.');
export const groupsField = positive('Splits the channels into groups that are convolved on their own.', { default: 1 });
export const biasField = flag('Adds a learned number to each output channel.', true);

/** The fields of a window that slides over its input. */
export function slidingFields(rank: Rank): Record<'kernel' | 'stride' | 'padding' | 'dilation', FieldSchema> {
  const { noun } = SPATIAL[rank];
  const causal = {
    causal: `as many zeros before the ${noun} as the kernel reaches back, so that no output sees what comes after it (Keras; WaveNet)`,
  };
  return {
    kernel: perAxis(rank, 'Size of the kernel.'),
    stride: perAxis(rank, 'Distance between neighbouring positions of the kernel.', { default: 1 }),
    padding: paddingOver(rank, rank === 1 ? causal : {}),
    dilation: perAxis(rank, 'Distance between neighbouring taps of the kernel.', { default: 1 }),
  };
}

export const paddingModeField: FieldSchema = {
  description:
    'What the padding holds: `zeros`, or what the `pad` layer puts there: the row mirrored at its ends (`reflect`, and `symmetric`, which repeats the last element), its last element (`edge`; PyTorch calls it replicate), or its other end (`wrap`; circular).',
  enum: ['zeros', 'reflect', 'symmetric', 'edge', 'wrap'],
  default: 'zeros',
};

/** The input with its border, where that holds other things than zeros, and the window over what is there then. */
export function borderedFor(context: LowerContext, input: Value, window: Window): { input: Value; window: Window } {
  const mode = wordOf(context.fields, 'padding_mode');
  if (mode === 'zeros') return { input, window };
  const { low, high } = window;
  if ([...low, ...high].every((n) => n === 0)) {
    context.fail(['padding_mode'], 'there is no padding that could hold anything', 'set `padding`');
  }
  const withBorder = low.reduce(
    (x, before, axis) => bordered(context, x, axis + 2, [before, high[axis] ?? 0], mode as Border),
    input,
  );
  const none = low.map(() => 0);
  return { input: withBorder, window: { ...window, low: none, high: none } };
}

/** Refuses groups that do not divide the channels on both sides. */
export function groupsOf(context: LowerContext, channels: number, filters: number): number {
  const groups = numberOf(context.fields, 'groups');
  if (channels % groups !== 0) {
    context.fail(['groups'], `${groups} groups do not divide the ${channels} channels of the input`);
  }
  if (filters % groups !== 0) {
    context.fail(['groups'], `${groups} groups do not divide the ${filters} filters`);
  }
  return groups;
}

/** The kernels copy what one position sees, zeros included: so many numbers fit (runtime-native/src/cpu/conv_*.cpp). */
const LARGEST_REACH = 458_752;

/** The attributes of the `conv` op that a window makes. */
export function convAttrs(context: LowerContext, window: Window, groups: number) {
  const { kernel, stride, low, high, dilation } = window;
  const seen = reachOf(window);
  // Along the depth the taps alone are copied.
  if (kernel.length === 3) seen[0] = kernel[0] ?? 1;
  const isDilated = dilation.some((d) => d > 1);
  const isPadded = [...low, ...high].some((n) => n > 0);
  if ((isDilated || isPadded) && elementCount(seen) > LARGEST_REACH) {
    const limit = LARGEST_REACH.toLocaleString('en-US');
    const problem = `its kernel reaches over ${seen.join('×')} elements at once, more than the limit of ${limit}`;
    context.fail([isDilated ? 'dilation' : 'kernel'], problem);
  }
  return { stride, padding_low: low, padding_high: high, dilation, groups };
}

/** The bias of the layer's output channels, where it has one. */
export function biasOf(context: LowerContext, filters: number): readonly Value[] {
  return flagOf(context.fields, 'bias') ? [context.parameter('bias', [filters], { init: 'zeros' })] : [];
}

/** The shapes of a convolution, for the `details` of a layer. */
export function shapesText(rank: Rank, filters = 'filters'): string {
  const { layout, extents } = SPATIAL[rank];
  const outputs = extents
    .split(', ')
    .map((letter) => `${letter}′`)
    .join(', ');
  const first = extents[0] ?? '';
  return `Input ${layout}, output [N, ${filters}, ${outputs}] with ${first}′ = ⌊(${first} + padding − dilation·(kernel − 1) − 1) / stride⌋ + 1, alike on every axis.`;
}

/** The shape of a kernel, for the `details` of a layer. */
export function kernelText(rank: Rank): string {
  return { 1: 'kernel', 2: 'kernel height, kernel width', 3: 'kernel depth, height, width' }[rank];
}

export const SAME_NOTE =
  'Where the stride is above 1, `padding: same` puts the odd zero at the end, as TensorFlow and Keras; PyTorch and Caffe pad symmetrically: write `padding: 1` for their kernels of 3.';

/** For samples: small, as finite differences run on them. */
const EXTENTS = { 1: [5], 2: [3, 4], 3: [2, 3, 2] } as const;

/** A sample on a small input with so many channels. */
export function sampleOn(rank: Rank, channels: number, fields: Fields, name?: string): Sample {
  return { inputs: [{ shape: ['N', channels, ...EXTENTS[rank]] }], fields, ...(name === undefined ? {} : { name }) };
}

/** One number for each axis. */
export function each(rank: Rank, ...numbers: readonly [number, number, number]): number | number[] {
  return rank === 1 ? numbers[0] : numbers.slice(0, rank);
}
