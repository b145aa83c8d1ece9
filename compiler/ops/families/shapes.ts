/**
 * Shape arithmetic that several families share: NumPy broadcasting, strides, and the index map that both
 * broadcasting (read the small tensor for each large element) and reducing (add each large element to the small
 * tensor) are loops over.
 */
import { elementCount, sameShape, type Shape, type TensorType } from '../../ir/types';
import { OpTypeError } from '../define';

export function formatShape(shape: Shape): string {
  return `[${shape.join(',')}]`;
}

/** The NumPy broadcast of two shapes; undefined where they do not fit. */
export function broadcastPair(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const result: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const x = a[axis - rank + a.length] ?? 1;
    const y = b[axis - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    result.push(x === 1 ? y : x);
  }
  return result;
}

/** The common shape of all inputs, or an OpTypeError naming the first two that do not fit. */
export function broadcastShapes(inputs: readonly TensorType[]): Shape {
  let shape: Shape = [];
  for (const [i, input] of inputs.entries()) {
    const next = broadcastPair(shape, input.shape);
    if (!next) {
      const other = inputs.slice(0, i).find((before) => !broadcastPair(before.shape, input.shape));
      throw new OpTypeError(
        `the shapes ${formatShape(other?.shape ?? shape)} and ${formatShape(input.shape)} do not broadcast: ` +
          'aligned from the right, two extents must be equal or one of them 1',
      );
    }
    shape = next;
  }
  return shape;
}

/** Elements between neighbours along each axis, row major. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  }
  return strides;
}

/** For every element of `large`, the element of `small` that broadcasts to it; undefined where the two are the same. */
export function broadcastIndex(small: Shape, large: Shape): Int32Array | undefined {
  if (sameShape(small, large)) return undefined;
  const skip = large.length - small.length;
  const own = stridesOf(small);
  const strides = large.map((_, axis) => (axis < skip || small[axis - skip] === 1 ? 0 : (own[axis - skip] ?? 0)));
  return stridedIndex(large, strides);
}

/** The flat position `offset + Σ index[axis]·strides[axis]` for every index of `shape`, row major. */
export function stridedIndex(shape: Shape, strides: readonly number[], offset = 0): Int32Array {
  const positions = new Int32Array(elementCount(shape));
  const index = new Array<number>(shape.length).fill(0);
  let at = offset;
  for (let i = 0; i < positions.length; i++) {
    positions[i] = at;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] ?? 0;
      const next = (index[axis] ?? 0) + 1;
      if (next < (shape[axis] ?? 1)) {
        index[axis] = next;
        at += stride;
        break;
      }
      at -= stride * (next - 1);
      index[axis] = 0;
    }
  }
  return positions;
}

/** Reads `data` at each position: what every op that only moves elements does. */
export function gather(data: Float64Array, positions: Int32Array | undefined): Float64Array {
  if (!positions) return data.slice();
  const result = new Float64Array(positions.length);
  for (let i = 0; i < result.length; i++) result[i] = data[positions[i] ?? 0] ?? 0;
  return result;
}
