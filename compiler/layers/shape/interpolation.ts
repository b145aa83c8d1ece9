/**
 * Resizing an axis as a sparse linear map: which elements each new one lies between, and how much of each it is. The
 * formulas are those of PyTorch and TensorFlow; where the two differ, the difference has a name here.
 */
import type { Taps } from './along';
import { tableOf } from '../table';

export type Method = 'nearest' | 'linear' | 'cubic' | 'area';

/**
 * Where new elements lie among the old ones. half_pixel: both are cells of one extent, (i + ½) · step − ½. align: the
 * first and the last elements coincide, i · (n − 1) / (size − 1). asymmetric: the first ones do, i · step.
 */
export type Corners = 'half_pixel' | 'align' | 'asymmetric';

export interface Interpolation {
  readonly method: Method;
  readonly corners: Corners;
  /** Averages over all elements that a new one covers, instead of looking at its neighbours alone. */
  readonly antialias: boolean;
  /** The coefficient of the cubic kernel. */
  readonly cubic: number;
  /** What a cubic kernel finds beyond the ends: the last element again, or nothing, the rest weighing more. */
  readonly edges: 'repeat' | 'renormalize';
}

/** An axis to resize: old and new extent, and how many old elements are one step of the new. */
export interface Axis {
  readonly extent: number;
  readonly size: number;
  readonly step: number;
}

export function interpolationRows(axis: Axis, how: Interpolation): readonly Taps[] {
  const row = rowOf(axis, how);
  return tableOf(axis.size, (i) => row(i));
}

function rowOf(axis: Axis, how: Interpolation): (i: number) => Taps {
  if (how.method === 'area') return (i) => areaTaps(axis, i);
  if (how.method === 'nearest') return (i) => [[nearestIndex(axis, how.corners, i), 1]];
  const { reach, weight } = kernelOf(how);
  if (how.antialias) return (i) => covered(axis, i, reach, weight);
  return (i) => neighbours(axis, place(axis, how.corners, i), how, reach, weight);
}

/** The kernel, 0 from `reach` on. */
function kernelOf({ method, cubic: a }: Interpolation): { reach: number; weight: (distance: number) => number } {
  if (method === 'linear') return { reach: 1, weight: (d) => Math.max(0, 1 - Math.abs(d)) };
  return {
    reach: 2,
    // Keys 1981
    weight: (distance) => {
      const d = Math.abs(distance);
      if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
    },
  };
}

function place({ extent, size, step }: Axis, corners: Corners, i: number): number {
  if (corners === 'asymmetric') return i * step;
  if (corners === 'half_pixel') return (i + 0.5) * step - 0.5;
  return size > 1 ? (i * (extent - 1)) / (size - 1) : 0;
}

/** In whole numbers as far as possible: a quotient just below an integer would name the element before. */
function nearestIndex({ extent, size, step }: Axis, corners: Corners, i: number): number {
  const whole = step === extent / size;
  const last = extent - 1;
  if (corners === 'align') return size > 1 ? Math.floor((2 * i * last + size - 1) / (2 * (size - 1))) : 0;
  const steps = corners === 'half_pixel' ? i + 0.5 : i;
  return Math.min(last, Math.floor(whole ? (2 * steps * extent) / (2 * size) : steps * step));
}

function neighbours(
  { extent }: Axis,
  at: number,
  { method, edges }: Interpolation,
  reach: number,
  weight: (distance: number) => number,
): Taps {
  const first = Math.floor(at) - reach + 1;
  const taps = tableOf(2 * reach, (t) => [first + t, weight(at - first - t)] as const);
  if (method === 'cubic' && edges === 'renormalize') return normalized(taps.filter(([j]) => j >= 0 && j < extent));
  return merged(taps.map(([j, w]) => [Math.min(extent - 1, Math.max(0, j)), w]));
}

/** All elements under a kernel as wide as a new element, where that is more than one old one. */
function covered({ extent, step }: Axis, i: number, reach: number, weight: (distance: number) => number): Taps {
  const width = Math.max(1, step);
  const centre = (i + 0.5) * step;
  const first = Math.max(0, Math.floor(centre - reach * width + 0.5));
  const end = Math.min(extent, Math.floor(centre + reach * width + 0.5));
  return normalized(tableOf(end - first, (t) => [first + t, weight((first + t + 0.5 - centre) / width)] as const));
}

/** Equal parts of the elements from ⌊i · n / size⌋ to ⌈(i + 1) · n / size⌉: the adaptive average. */
export function areaTaps({ extent, size }: Pick<Axis, 'extent' | 'size'>, i: number): Taps {
  const first = Math.floor((i * extent) / size);
  const end = Math.ceil(((i + 1) * extent) / size);
  return tableOf(end - first, (t) => [first + t, 1 / (end - first)] as const);
}

function normalized(taps: Taps): Taps {
  const sum = taps.reduce((total, [, weight]) => total + weight, 0);
  return merged(taps.map(([index, weight]) => [index, weight / sum]));
}

/** One tap for each element, and none of weight 0. */
function merged(taps: Taps): Taps {
  const weights = new Map<number, number>();
  for (const [index, weight] of taps) weights.set(index, (weights.get(index) ?? 0) + weight);
  return [...weights].filter(([, weight]) => weight !== 0);
}
