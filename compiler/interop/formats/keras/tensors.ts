/** Rearranging the numbers of weights: transposes, picks along an axis, and joins. All give new tensors of float32. */
import { elementCount } from '../../../ir/types';
import type { WeightTensor } from '../../../weights/content';

/** A tensor of float32 in the making. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export function toNumbers({ shape, data }: WeightTensor): Numbers {
  if (data instanceof Float32Array) return { shape, data };
  const numbers = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) numbers[i] = Number(data[i]);
  return { shape, data: numbers };
}

export function toTensor({ shape, data }: Numbers): WeightTensor {
  return { dtype: 'f32', shape: [...shape], data };
}

/** Axis i of the result is axis `axes[i]` of the source. */
export function transpose(source: Numbers, axes: readonly number[]): Numbers {
  const shape = axes.map((axis) => source.shape[axis]!);
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = source.shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * source.shape[i + 1]!;
  const steps = axes.map((axis) => strides[axis]!);
  const data = new Float32Array(source.data.length);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    data[to] = source.data[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= steps[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return { shape, data };
}

export function reshape(source: Numbers, shape: readonly number[]): Numbers {
  return { shape, data: source.data };
}

/** Rows (along axis 0) in another order: row i of the result is row `rows[i]` of the source. */
export function pickRows(source: Numbers, rows: ArrayLike<number>): Numbers {
  const [count = 1, ...rest] = source.shape;
  const size = elementCount(rest);
  const data = new Float32Array(rows.length * size);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    data.set(source.data.subarray(row * size, (row + 1) * size), i * size);
  }
  return { shape: [rows.length === count ? count : rows.length, ...rest], data };
}

/** Blocks of `size` rows in another order. */
export function pickBlocks(source: Numbers, size: number, blocks: readonly number[]): Numbers {
  const rows = blocks.flatMap((block) => Array.from({ length: size }, (_, i) => block * size + i));
  return pickRows(source, rows);
}

/** One behind the other along axis 0. */
export function joinRows(sources: readonly Numbers[]): Numbers {
  const rest = sources[0]!.shape.slice(1);
  const data = new Float32Array(sources.reduce((sum, source) => sum + source.data.length, 0));
  let at = 0;
  for (const source of sources) {
    data.set(source.data, at);
    at += source.data.length;
  }
  return { shape: [sources.reduce((sum, { shape }) => sum + shape[0]!, 0), ...rest], data };
}

/** Mirrored along the given axes. */
export function flip(source: Numbers, axes: readonly number[]): Numbers {
  let current = source;
  for (const axis of axes) {
    const order = source.shape.map((_, i) => i);
    const swapped = order.map((i) => (i === 0 ? axis : i === axis ? 0 : i));
    const front = transpose(current, swapped);
    const count = front.shape[0]!;
    const mirrored = pickRows(
      front,
      Array.from({ length: count }, (_, i) => count - 1 - i),
    );
    current = transpose(mirrored, swapped);
  }
  return current;
}

export function add(a: Numbers, b: Numbers): Numbers {
  return { shape: a.shape, data: a.data.map((value, i) => value + b.data[i]!) };
}

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((extent, i) => extent === b[i]);
