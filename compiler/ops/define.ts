/**
 * An op is the compiler's word: everything TypeScript knows about it is in one `defineOp`, in one file.
 * The kernel that runs it is in runtime-native/src/cpu, in the file of its family.
 */
import type { Builder } from '../ir/builder';
import type { Attrs, Graph, Node, Value } from '../ir/graph';
import type { TensorType } from '../ir/types';

/** A tensor of the float64 reference interpreter, row major. Integers and bools are held as doubles too. */
export interface RefTensor {
  readonly type: TensorType;
  readonly data: Float64Array;
}

/** Passed to `grad`: build the gradient of each input with `b`. */
export interface GradContext {
  readonly b: Builder;
  readonly node: Node;
  /** Gradient of the loss with respect to each output; undefined where the loss does not depend on it. */
  readonly outputGrads: readonly (Value | undefined)[];
  /** True where input i's gradient is wanted at all; the rest may be returned as undefined. */
  readonly wants: readonly boolean[];
  /**
   * For ops with regions: puts `regions`, which compute the same and give more, in place of the node's. `added` are the
   * wanted names and the types of the outputs that come with them; the outputs themselves are given back. So a loop
   * keeps what its gradient needs.
   */
  extend(regions: readonly Graph[], added: readonly Value[]): readonly Value[];
}

/** A region, evaluated: one tensor for each of its results. */
export type RegionFunction = (inputs: readonly RefTensor[]) => readonly RefTensor[];

/** Type inference failed. The builder adds the origin; layers turn it into a located diagnostic. */
export class OpTypeError extends Error {
  override readonly name = 'OpTypeError';
}

/** The reference met a value the data should not hold (a label out of range), as a kernel's DLC_DATA_ERROR. */
export class OpDataError extends Error {
  override readonly name = 'OpDataError';
}

export interface OpCost {
  /** Multiply and add count as two. */
  readonly flops: number;
}

export interface OpTraits {
  /** Element by element with broadcasting: can join a fused_elementwise group. */
  readonly elementwise?: boolean;
  readonly commutative?: boolean;
  /** Output shares its input's bytes (reshape): costs nothing at run time. */
  readonly view?: boolean;
  /** [input, output] pairs that the kernel can compute in place when the types agree. */
  readonly inPlace?: readonly (readonly [number, number])[];
  /** May be evaluated at compile time when all inputs are constants. */
  readonly foldable?: boolean;
  /** Draws from the Philox stream named by attr `stream`. */
  readonly random?: boolean;
  /** Gradients end here: what comes before is a constant to what comes after. */
  readonly stopsGradient?: boolean;
  /** Runs at its place in the graph, though only an update may need it: what it frees by that is worth more. */
  readonly prompt?: boolean;
  /** Can fail at run time (a label out of range, a non-finite loss): never removed while its result is used, never folded. */
  readonly checks?: boolean;
}

/** One set of shapes that the registry-driven tests run: value, finite-difference gradient, native against reference. */
export interface OpSample {
  readonly name?: string;
  readonly inputs: readonly TensorType[];
  readonly attrs?: Attrs;
  /** Values drawn uniformly from this range (default [-1, 1]); per input where given as a list. */
  readonly range?: readonly [number, number] | readonly (readonly [number, number])[];
  /** Inputs, by position, whose gradient is tested: default all floating-point ones; none for what only fusion makes. */
  readonly wrt?: readonly number[];
  /** Inputs given literally, by position, instead of drawn. */
  readonly values?: Readonly<Record<number, readonly number[]>>;
  /** Native against reference, relative to the largest magnitude (default 1e-5). */
  readonly tolerance?: number;
  /** Makes the op where inputs and attributes do not say everything: with a body. */
  readonly build?: (b: Builder, inputs: readonly Value[]) => readonly Value[];
  /** Distinct values at least this far apart (max pooling, comparisons), so finite differences do not cross a kink. */
  readonly separated?: boolean;
}

/** How the plan runs an op. */
export type Native =
  /** a kernel of the same name */
  | 'kernel'
  /** the executor itself, which runs the node's regions */
  | 'control'
  /** wrapped into fused_elementwise */
  | 'elementwise'
  /** no work at run time: an alias of its input, or bytes in the constant section */
  | 'none';

/** Which inputs and outputs of an op are images, by position. */
export interface Images {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export interface OpDef {
  readonly name: string;
  /** Formula first, then shapes and the source. One paragraph. */
  readonly doc: string;
  /** Names of the inputs; a trailing `?` marks an optional last input, a trailing `*` any number. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly native: Native;
  readonly traits: OpTraits;
  /** Of an op that takes and gives images in either memory order, as its attribute `layout` says: see families/layout.ts. */
  readonly images?: Images;
  /** Output types, or an OpTypeError that says what was found and what was expected. */
  infer(inputs: readonly TensorType[], attrs: Attrs, regions?: readonly Graph[]): readonly TensorType[];
  /** The float64 reference. Pure; as plain as the formula. */
  evaluate(
    inputs: readonly RefTensor[],
    attrs: Attrs,
    outputs: readonly TensorType[],
    regions?: readonly RegionFunction[],
  ): readonly Float64Array[];
  /** Absent: not differentiable (integers, optimizer ops, gradients themselves where no second order is needed). */
  grad?(context: GradContext): readonly (Value | undefined)[];
  cost(
    inputs: readonly TensorType[],
    outputs: readonly TensorType[],
    attrs: Attrs,
    /** What each region costs once. */
    regions?: readonly OpCost[],
  ): OpCost;
  /** Bytes of scratch memory the kernel is given, by formula of the shapes alone (never of the thread count). */
  workspace?(inputs: readonly TensorType[], outputs: readonly TensorType[], attrs: Attrs): number;
  readonly samples: readonly OpSample[];
}

export function defineOp(def: OpDef): OpDef {
  return def;
}
