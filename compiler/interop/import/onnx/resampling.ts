/**
 * `Resize` as a linear map along each axis: for every new element the old ones it lies between, and how much of each it
 * is. The formulas are those of the operator's description, whose names the words here are.
 */
import { Refused } from './emitter';

/** The weights of old elements by their numbers; undefined outside of the region, where a fixed number stands. */
export type Row = ReadonlyMap<number, number> | undefined;

export interface ResizedAxis {
  readonly extent: number;
  readonly size: number;
  /** New elements for each old one; not quite size / extent where it was given. */
  readonly scale: number;
  /** The stretch that is read, in parts of the axis. */
  readonly region: readonly [number, number];
}

export interface Resampling {
  readonly mode: string;
  readonly place: string;
  readonly nearest: string;
  readonly cubic: number;
  readonly excludeOutside: boolean;
  readonly antialias: boolean;
}

/** Where a new element lies among the old ones. */
const PLACES: Readonly<Record<string, (i: number, axis: ResizedAxis) => number>> = {
  half_pixel: halfPixel,
  pytorch_half_pixel: (i, axis) => (axis.size === 1 ? 0 : halfPixel(i, axis)),
  half_pixel_symmetric: (i, axis) => {
    const adjustment = axis.size / (axis.scale * axis.extent);
    return (axis.extent / 2) * (1 - adjustment) + halfPixel(i, axis);
  },
  asymmetric: (i, { scale }) => i / scale,
  tf_half_pixel_for_nn: (i, { scale }) => (i + 0.5) / scale,
  align_corners: (i, { size, extent }) => (size === 1 ? 0 : (i * (extent - 1)) / (size - 1)),
  tf_crop_and_resize: (i, { size, extent, region: [start, end] }) => {
    const last = extent - 1;
    return size === 1 ? ((end + start) * last) / 2 : start * last + (i * (end - start) * last) / (size - 1);
  },
};

function halfPixel(i: number, { scale }: ResizedAxis): number {
  return (i + 0.5) / scale - 0.5;
}

/** Which of its neighbours a place goes to. `simple` is what there was before one could say. */
const NEAREST: Readonly<Record<string, (at: number, scale: number) => number>> = {
  round_prefer_floor: (at) => Math.ceil(at - 0.5),
  round_prefer_ceil: (at) => Math.floor(at + 0.5),
  floor: (at) => Math.floor(at),
  ceil: (at) => Math.ceil(at),
  simple: (at, scale) => (scale < 1 ? Math.ceil(at) : Math.floor(at)),
};

const KERNELS: Readonly<Record<string, (a: number) => { reach: number; weight: (d: number) => number }>> = {
  linear: () => ({ reach: 1, weight: (d) => Math.max(0, 1 - Math.abs(d)) }),
  cubic: (a) => ({
    reach: 2,
    weight: (distance) => {
      const d = Math.abs(distance);
      if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
    },
  }),
};

/** Quotients that should be whole, and are a few units in the last place off. */
const ROUNDING = 1e-6;

function whole(at: number): number {
  return Math.abs(at - Math.round(at)) < ROUNDING ? Math.round(at) : at;
}

function named<T>(table: Readonly<Record<string, T>>, name: string): T {
  if (!Object.hasOwn(table, name)) throw new Refused(`resizes by \`${name}\``);
  return table[name]!;
}

/** A row for each new element. */
export function resampled(axis: ResizedAxis, how: Resampling): Row[] {
  const place = named(PLACES, how.place);
  const isCropped = how.place === 'tf_crop_and_resize';
  const row = how.mode === 'nearest' ? nearestRow(axis, how) : kernelRow(axis, how);
  return Array.from({ length: axis.size }, (_, i) => {
    const at = whole(place(i, axis));
    if (isCropped && (at < 0 || at > axis.extent - 1)) return undefined;
    return row(at);
  });
}

function nearestRow({ extent, scale }: ResizedAxis, { nearest }: Resampling): (at: number) => Row {
  const choose = named(NEAREST, nearest);
  return (at) => new Map([[Math.min(extent - 1, Math.max(0, choose(at, scale))), 1]]);
}

function kernelRow({ extent, scale }: ResizedAxis, how: Resampling): (at: number) => Row {
  const { reach, weight } = named(KERNELS, how.mode)(how.cubic);
  // A kernel as wide as a new element, where that is more than one old one.
  const narrow = how.antialias ? Math.min(1, scale) : 1;
  const span = Math.ceil(reach / narrow);
  return (at) => {
    const first = Math.floor(at) - span;
    const row = new Map<number, number>();
    for (let k = first; k <= first + 2 * span + 1; k++) {
      const share = weight((k - at) * narrow);
      const isOutside = k < 0 || k >= extent;
      if (share === 0 || (isOutside && how.excludeOutside)) continue;
      const held = Math.min(extent - 1, Math.max(0, k));
      row.set(held, (row.get(held) ?? 0) + share);
    }
    const sum = how.antialias || how.excludeOutside ? [...row.values()].reduce((a, b) => a + b, 0) : 1;
    return new Map([...row].flatMap(([k, share]) => (share === 0 ? [] : [[k, share / sum]])));
  };
}
