/** What ops that read or write where indices say have in common: which types indices have, and the check of one. */
import { elementCount, formatType, sameShape, type Shape, type TensorType } from '../../ir/types';
import { OpDataError, OpTypeError } from '../define';
import { withoutAxis, type AxisView } from './channels';
import { formatShape } from './shapes';

export function requireIndices(indices: TensorType): void {
  if (indices.dtype !== 'i32' && indices.dtype !== 'i64') {
    throw new OpTypeError(`the indices are ${formatType(indices)}, expected i32 or i64`);
  }
}

/** Index `position`, which has to be one of 0..extent−1; `reordered` where that is not the position the user knows. */
export function indexAt(indices: Float64Array, position: number, extent: number, reordered = false): number {
  const index = indices[position] as number;
  if (!(index >= 0 && index < extent)) {
    const place = reordered ? '' : ` at position ${position}`;
    throw new OpDataError(`index ${index}${place} is outside 0..${extent - 1}`);
  }
  return index;
}

/** How gather and scatter_add see their tensors: x is [batch, outer, extent, inner], the indices [batch, count]. */
export interface GatherView {
  readonly batch: number;
  readonly outer: number;
  readonly extent: number;
  readonly inner: number;
  readonly count: number;
}

export function gatherView(x: Shape, indices: Shape, axis: number, batchDims: number): GatherView {
  return {
    batch: elementCount(x.slice(0, batchDims)),
    outer: elementCount(x.slice(batchDims, axis)),
    extent: x[axis] ?? 1,
    inner: elementCount(x.slice(axis + 1)),
    count: elementCount(indices.slice(batchDims)),
  };
}

/** Calls `visit` with the first element of each row of x that an index names, and of its row among those gathered. */
export function forEachGathered(
  { batch, outer, extent, inner, count }: GatherView,
  indices: Float64Array,
  visit: (from: number, to: number) => void,
  reordered = false,
): void {
  for (let b = 0; b < batch; b++) {
    for (let o = 0; o < outer; o++) {
      for (let k = 0; k < count; k++) {
        const index = indexAt(indices, b * count + k, extent, reordered);
        const line = b * outer + o;
        visit((line * extent + index) * inner, (line * count + k) * inner);
      }
    }
  }
}

/** The batch axes have to be the first of both tensors, and before the axis that indices choose along. */
export function requireBatchDims(x: TensorType, indices: TensorType, axis: number, batchDims: number): void {
  const shared = x.shape.slice(0, batchDims);
  const fits =
    batchDims <= axis && batchDims <= indices.shape.length && shared.every((extent, i) => extent === indices.shape[i]);
  if (!fits) {
    throw new OpTypeError(
      `${formatType(x)} and the indices ${formatShape(indices.shape)} do not share ${batchDims} batch axes before axis ${axis}`,
    );
  }
}

/** Where indices pick within lines along the axis, the lines on both sides are the same. */
export function requireSameLines(shape: Shape, indices: TensorType, axis: number): void {
  const fits =
    indices.shape.length === shape.length && sameShape(withoutAxis(shape, axis), withoutAxis(indices.shape, axis));
  if (!fits) {
    throw new OpTypeError(
      `the indices ${formatShape(indices.shape)} and ${formatShape(shape)} differ outside of axis ${axis}`,
    );
  }
}

/** The first element of a line by its number, as `forEachLine` counts them. */
export function startOfLine(line: number, { extent, inner }: AxisView): number {
  return Math.floor(line / inner) * extent * inner + (line % inner);
}
