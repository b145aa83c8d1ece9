/** Sparse linear maps from one axis to another, as `resample` has them: a few weighted elements for each result. */
import type { Attrs } from '../../ir/graph';
import { integerAttr, integersAttr } from '../attributes';
import { OpTypeError } from '../define';

/** y[i] = Σ weights[i·taps + t] · x[indices[i·taps + t]] over t < taps; a weight of 0 reads nothing. */
export interface SparseMap {
  /** Number of results. */
  readonly size: number;
  readonly taps: number;
  readonly indices: readonly number[];
  readonly weights: readonly number[];
}

/** The map in the attributes of a node whose axis has that extent. */
export function mapOf(attrs: Attrs, extent: number): SparseMap {
  const size = integerAttr(attrs, 'size', 0);
  const taps = integerAttr(attrs, 'taps', 1);
  const indices = integersAttr(attrs, 'indices', undefined, 0);
  const weights: unknown = attrs['weights'];
  if (!Array.isArray(weights) || !weights.every((weight): weight is number => Number.isFinite(weight))) {
    throw new OpTypeError("attribute 'weights' is no list of finite numbers");
  }
  if (indices.length !== size * taps || weights.length !== size * taps) {
    throw new OpTypeError(
      `${indices.length} indices and ${weights.length} weights were given for ${size} results of ${taps} taps`,
    );
  }
  const stray = indices.find((index, i) => index >= extent && weights[i] !== 0);
  if (stray !== undefined) throw new OpTypeError(`index ${stray} is outside the axis of extent ${extent}`);
  return { size, taps, indices, weights };
}

/** What a map needs to be a map of the attributes: lists of the same length for each result, filled up with weight 0. */
export function sparseMap(rows: readonly (readonly (readonly [index: number, weight: number])[])[]): SparseMap {
  const taps = rows.reduce((most, row) => Math.max(most, row.length), 1);
  const cells = rows.flatMap((row) => Array.from({ length: taps }, (_, t) => row[t] ?? ([0, 0] as const)));
  return {
    size: rows.length,
    taps,
    indices: cells.map(([index]) => index),
    weights: cells.map(([, weight]) => weight),
  };
}

/** The map that takes gradients of the results to those of the elements. */
export function transposed(map: SparseMap, extent: number): SparseMap {
  const rows = Array.from({ length: extent }, (): [number, number][] => []);
  map.weights.forEach((weight, at) => {
    if (weight !== 0) rows[map.indices[at] ?? 0]?.push([Math.floor(at / map.taps), weight]);
  });
  return sparseMap(rows);
}
