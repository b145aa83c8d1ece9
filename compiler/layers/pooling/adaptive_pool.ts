/** Poolings to a given size: windows as even as they can be, side by side or overlapping by one element. */
import type { Value } from '../../ir/graph';
import type { LayerDef, LowerContext } from '../define';
import { defineLayer } from '../define';
import { mapAlong, taking } from '../shape/along';
import { areaTaps } from '../shape/interpolation';
import type { Rank } from '../window';
import { perAxis, perAxisOf, requireSpatial, SPATIAL } from '../window';
import { sampleOn } from './pooling';
import { tableOf } from '../table';

/** Windows that lie side by side and are all alike, where the extents are multiples of the size. */
function evenWindows(from: readonly number[], size: readonly number[]) {
  if (from.some((extent, axis) => extent % (size[axis] ?? 1) !== 0)) return undefined;
  const kernel = from.map((extent, axis) => extent / (size[axis] ?? 1));
  const none = from.map(() => 0);
  return { kernel, stride: kernel, padding_low: none, padding_high: none };
}

/** The mean of each of `size` windows, by the `avg_pool` op or as a map along each axis. */
function average({ b }: LowerContext, x: Value, size: readonly number[]): Value {
  const from = x.type.shape.slice(2);
  const even = evenWindows(from, size);
  if (even) return b.op('avg_pool', [x], { ...even, overhang: from.map(() => 0), count_include_pad: false });
  return size.reduce((sofar, count, axis) => {
    const extent = from[axis] ?? 1;
    const rows = tableOf(count, (i) => areaTaps({ extent, size: count }, i));
    return mapAlong(b, sofar, axis + 2, rows);
  }, x);
}

/**
 * The maximum of each of `size` windows. Where they differ they are laid out side by side first, the shorter ones
 * filled up with their last element.
 */
function maximum({ b }: LowerContext, x: Value, size: readonly number[]): Value {
  const even = evenWindows(x.type.shape.slice(2), size);
  if (even) return b.ops('max_pool', [x], even)[0]!;
  const kernel: number[] = [];
  const laidOut = size.reduce((sofar, count, axis) => {
    const extent = x.type.shape[axis + 2] ?? 1;
    const windows = tableOf(count, (i) => areaTaps({ extent, size: count }, i).map(([index]) => index));
    const widest = Math.max(...windows.map((window) => window.length));
    kernel.push(widest);
    const indices = windows.flatMap((window) => tableOf(widest, (i) => window[Math.min(i, window.length - 1)] ?? 0));
    return mapAlong(b, sofar, axis + 2, taking(indices));
  }, x);
  const none = kernel.map(() => 0);
  return b.ops('max_pool', [laidOut], { kernel, stride: kernel, padding_low: none, padding_high: none })[0]!;
}

/** The window sizes of a pyramid level or a layer, for every method of pooling. */
export const ADAPTIVE = { average, max: maximum } as const;

function defineAdaptive(rank: Rank, method: keyof typeof ADAPTIVE): LayerDef {
  const type = `adaptive_${method === 'max' ? 'max' : 'avg'}_pool${rank}d`;
  const { layout, extents } = SPATIAL[rank];
  const first = extents[0] ?? '';
  const separated = method === 'max';
  return defineLayer({
    type,
    summary: `The ${method === 'max' ? 'maximum' : 'mean'} of each of as many windows as the output is to have.`,
    details: `Input ${layout}, output [N, C, ...size]. Window i of n reaches from ⌊i·${first}/n⌋ to ⌈(i + 1)·${first}/n⌉ on every axis, as in PyTorch and Keras. The size may be larger than the input.`,
    example: `{name: pool, type: ${type}, size: 2}`,
    fields: { size: perAxis(rank, 'Extents of the output.') },
    required: ['size'],
    arity: [1, 1],
    lower(context, inputs) {
      const x = inputs[0]!;
      requireSpatial(context, x, rank);
      return ADAPTIVE[method](context, x, perAxisOf(context.fields, 'size', rank));
    },
    samples: [
      sampleOn(rank, { size: 2 }, separated),
      sampleOn(rank, { size: rank === 1 ? 1 : rank === 2 ? [5, 2] : [1, 3, 2] }, separated),
      sampleOn(rank, { size: rank === 1 ? 9 : rank === 2 ? [3, 6] : [3, 2, 5] }, separated),
    ],
  });
}

export const adaptiveAvgPool1d = defineAdaptive(1, 'average');
export const adaptiveAvgPool2d = defineAdaptive(2, 'average');
export const adaptiveAvgPool3d = defineAdaptive(3, 'average');
export const adaptiveMaxPool1d = defineAdaptive(1, 'max');
export const adaptiveMaxPool2d = defineAdaptive(2, 'max');
export const adaptiveMaxPool3d = defineAdaptive(3, 'max');
