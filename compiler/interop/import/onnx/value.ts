/**
 * What a name of the graph stands for while a model is read: a tensor that a layer will compute, or one whose numbers
 * are known already. Shapes are numbers throughout: the batch is a large prime, so that arithmetic on shapes (`Shape`,
 * `Mul`, `Concat`, …) is arithmetic on numbers, and becomes a symbol again when it is written.
 */
import type { DType } from '../../../ir/types';
import type { Known } from '../../formats/onnx/tensor';
import type { Elem } from '../../formats/onnx/types';
import type { Layer } from './layer';

export interface Value {
  readonly elem: Elem;
  /** What it is here; differs from that of `elem` where a sum of bytes is carried on in int32. */
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Its numbers, where they are known. */
  readonly known?: Known['data'];
  /** Who computes it: a layer's output, or an input of the model or of a body. */
  readonly from?: Source;
  /** Of a sequence, its tensors; there is nothing else to it. */
  readonly items?: readonly Value[];
  /** Of known numbers: the tensor of the source that they are. */
  readonly tensor?: string;
  /** What was done to them since; a few words. */
  readonly changed?: string;
  /** The body whose graph it belongs to; undefined at the top. */
  readonly scope?: object;
}

export type Source = { readonly layer: Layer; readonly output?: string } | { readonly input: string };

/** The stand-in for the batch: no extent of a model comes near it. */
export const BATCH = 1_000_003;

/** The one symbol that imported models have: the batch. */
export const SYMBOL = 'N';

/** An extent as it is written: a number, `N`, or undefined where it is a multiple of the batch. */
export function wordOf(extent: number): number | string | undefined {
  if (extent === BATCH) return SYMBOL;
  return isSymbolic(extent) ? undefined : extent;
}

export function isSymbolic(extent: number): boolean {
  return extent >= BATCH && extent % BATCH === 0;
}

/** Numbers that were worked out from the batch: near to a multiple of its stand-in. */
export function dependsOnBatch(numbers: ArrayLike<number>): boolean {
  for (let i = 0; i < numbers.length; i++) {
    const size = Math.abs(numbers[i]!);
    if (size >= BATCH / 2 && size < 2 ** 40 && size % BATCH === 0) return true;
  }
  return false;
}

export function count(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

export function sameExtents(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, i) => extent === b[i]);
}

/** The shape that shapes have together by NumPy's rules; undefined where they don't fit. */
export function broadcast(shapes: readonly (readonly number[])[]): number[] | undefined {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const all = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const extents = new Set(all.filter((extent) => extent !== 1));
    if (extents.size > 1) return undefined;
    result.push([...extents][0] ?? 1);
  }
  return result;
}
