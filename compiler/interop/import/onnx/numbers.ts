/** Arithmetic on tensors of known numbers, by NumPy's rules: what folding constants needs. */
import type { Known } from '../../formats/onnx/tensor';
import { count } from './value';

export type Numbers = Known['data'];

export function like(data: Numbers, size: number): Numbers {
  return data instanceof Float32Array ? new Float32Array(size) : new Float64Array(size);
}

/** How far apart neighbours along each axis lie. */
export function strides(shape: readonly number[]): number[] {
  const result = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) result[axis] = result[axis + 1]! * shape[axis + 1]!;
  return result;
}

/** Elements of `data` at the places that `steps` lead to, for each element of `shape`. */
export function strided(data: Numbers, shape: readonly number[], steps: readonly number[], start = 0): Numbers {
  const result = like(data, count(shape));
  const place = shape.map(() => 0);
  let at = start;
  for (let i = 0; i < result.length; i++) {
    result[i] = data[at]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += steps[axis]!;
      if (++place[axis]! < shape[axis]!) break;
      at -= steps[axis]! * shape[axis]!;
      place[axis] = 0;
    }
  }
  return result;
}

export function permuted(data: Numbers, shape: readonly number[], axes: readonly number[]): Numbers {
  const own = strides(shape);
  return strided(
    data,
    axes.map((axis) => shape[axis]!),
    axes.map((axis) => own[axis]!),
  );
}

/** Stretched to a shape that it fits. */
export function expanded(data: Numbers, from: readonly number[], to: readonly number[]): Numbers {
  const own = strides(from);
  const missing = to.length - from.length;
  const steps = to.map((_, axis) => {
    const at = axis - missing;
    return at < 0 || from[at] === 1 ? 0 : own[at]!;
  });
  return strided(data, to, steps);
}

/** The product of the extents before an axis, and of those behind it. */
export function around(shape: readonly number[], axis: number): readonly [number, number] {
  return [count(shape.slice(0, axis)), count(shape.slice(axis + 1))];
}

/** Slices of an axis by their numbers. */
export function taken(data: Numbers, shape: readonly number[], axis: number, indices: ArrayLike<number>): Numbers {
  const [before, behind] = around(shape, axis);
  const extent = shape[axis]!;
  const result = like(data, before * indices.length * behind);
  let to = 0;
  for (let i = 0; i < before; i++) {
    for (let k = 0; k < indices.length; k++) {
      const from = (i * extent + indices[k]!) * behind;
      for (let j = 0; j < behind; j++) result[to++] = data[from + j]!;
    }
  }
  return result;
}

export function joined(
  parts: readonly { readonly data: Numbers; readonly shape: readonly number[] }[],
  axis: number,
): Numbers {
  const [before, behind] = around(parts[0]!.shape, axis);
  const result = like(
    parts[0]!.data,
    parts.reduce((sum, { data }) => sum + data.length, 0),
  );
  let to = 0;
  for (let i = 0; i < before; i++) {
    for (const { data, shape } of parts) {
      const size = shape[axis]! * behind;
      for (let j = 0; j < size; j++) result[to++] = data[i * size + j]!;
    }
  }
  return result;
}

/** Folds the elements along some axes into one each. */
export function reduced(
  data: Numbers,
  shape: readonly number[],
  axes: readonly number[],
  start: number,
  step: (sofar: number, next: number) => number,
): Numbers {
  const kept = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  const own = strides(kept);
  const steps = shape.map((_, axis) => (axes.includes(axis) ? 0 : own[axis]!));
  const result = like(data, count(kept)).fill(start);
  const place = shape.map(() => 0);
  let at = 0;
  for (const element of data) {
    result[at] = step(result[at]!, element);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += steps[axis]!;
      if (++place[axis]! < shape[axis]!) break;
      at -= steps[axis]! * shape[axis]!;
      place[axis] = 0;
    }
  }
  return result;
}
