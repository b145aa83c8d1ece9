/**
 * What writes an op as C. An emitter fills the body of one function: its inputs are pointers x0, x1, …, its outputs
 * y0, y1, …, everything else is a constant of the text, so that compilers see every extent. Steps whose bodies read the
 * same share the function. An output that may lie over an input does so under one name: every pointer that is written
 * can be `restrict`.
 */
import type { Attrs, Node } from '../../../ir/graph';
import type { DType, TensorType } from '../../../ir/types';
import type { Sizes } from './store';
import type { Code } from './text';
import type { HelperName } from './helpers';

/** Numbers of a constant or a state, known when the file is written. */
export interface Known {
  readonly dtype: DType;
  readonly data: ArrayLike<number | bigint>;
}

export interface Step {
  readonly node: Node;
  readonly attrs: Attrs;
  readonly code: Code;
  /** The type of an input or output that has to be there. */
  input(index: number): TensorType;
  output(index: number): TensorType;
  /** The pointer to an input. */
  x(index: number): string;
  /** The pointer to an output; undefined where nobody reads it. */
  y(index: number): string | undefined;
  /** The pointer to an output that is always read. */
  result(): string;
  /**
   * Reads an input in another order of its elements, where they are known; false where they are not. `form` names the
   * order: equal forms of one tensor are stored once.
   */
  rearranged(index: number, form: string, order: (data: Float32Array) => Float32Array): boolean;
  /** Pointers to scratch memory, as `scratch` asked for it. */
  readonly floats: string;
  readonly ints: string;
  /** The name of a function or macro that several steps share. */
  helper(name: HelperName): string;
  /** A float constant. */
  number(value: number): string;
  /** A constant of that dtype. */
  literal(value: number, dtype: DType): string;
  /** What a tensor of that dtype is an array of. */
  type(dtype: DType): string;
  /** The name of a constant array. */
  table(dtype: 'f32' | 'i32', values: readonly number[]): string;
  /** A statement that ends the whole computation, because the data is not what it should be. */
  fail(problem: string): string;
}

export interface Emitter {
  /** Elements of scratch memory; `isKnown` says whether an input is known when the file is written. */
  readonly scratch?: (node: Node, isKnown: (input: number) => boolean) => Sizes;
  readonly emit: (step: Step) => void;
  /** Why this very node cannot be written, where it cannot. */
  readonly problem?: (node: Node) => string | undefined;
}
