/** Orders of axes: Keras has the channels of images last, we have them first, and flattened images keep their order. */

export const identity = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i);

/** Batch, channels, then the rest: how an image with channels last is held. */
export function channelsFirst(rank: number): number[] {
  return [0, rank - 1, ...identity(rank).slice(1, -1)];
}

/** The same of a sequence of images. */
export function stepsChannelsFirst(rank: number): number[] {
  return [0, 1, rank - 1, ...identity(rank).slice(2, -1)];
}

export const sameOrder = (a: readonly number[], b: readonly number[]): boolean => a.every((axis, i) => axis === b[i]);

export interface Features {
  /** Extents before the flattening in our order. */
  readonly extents: readonly number[];
  /** Keras flattens our axis `axes[0]` as the slowest, and so on. */
  readonly axes: readonly number[];
}

/** Row i of ours is row `rows[i]` of Keras's, along flattened features. */
export function featureRows({ extents, axes }: Features): Int32Array {
  const count = extents.reduce((product, extent) => product * extent, 1);
  const steps = new Array<number>(extents.length).fill(0);
  let step = 1;
  for (const axis of [...axes].reverse()) {
    steps[axis] = step;
    step *= extents[axis]!;
  }
  const rows = new Int32Array(count);
  const index = new Array<number>(extents.length).fill(0);
  let at = 0;
  for (let i = 0; i < count; i++) {
    rows[i] = at;
    for (let axis = extents.length - 1; axis >= 0; axis--) {
      at += steps[axis]!;
      if (++index[axis]! < extents[axis]!) break;
      at -= steps[axis]! * extents[axis]!;
      index[axis] = 0;
    }
  }
  return rows;
}
