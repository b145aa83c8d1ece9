/** Sparse linear maps along the axes of a tensor, as layers use them: none where nothing changes, for any dtype. */
import type { Builder } from '../../ir/builder';
import type { Value } from '../../ir/graph';
import { sparseMap } from '../../ops/families/sparse-map';
import { takeAlong } from './pieces';

/** The weighted elements of the input that make one of the output. */
export type Taps = readonly (readonly [index: number, weight: number])[];

/** Applies the map to an axis. Elements that are not floating point can be taken, but not weighted. */
export function mapAlong(b: Builder, x: Value, axis: number, rows: readonly Taps[]): Value {
  const taken = rows.map((taps) => (taps.length === 1 && taps[0]?.[1] === 1 ? taps[0][0] : undefined));
  if (rows.length === x.type.shape[axis] && taken.every((index, i) => index === i)) return x;
  if (x.type.dtype === 'f32') return b.op('resample', [x], { axis, ...sparseMap(rows) });
  return takeAlong(b, x, axis, taken.map(Number));
}

/** A map that takes elements as they are. */
export function taking(indices: readonly number[]): readonly Taps[] {
  return indices.map((index) => [[index, 1]]);
}
