/**
 * The element-wise family. An op states its formula for one element, the dtypes it takes and its gradient; the
 * family supplies broadcasting, inference, the reference, cost, traits and samples. The formula `apply` is also the
 * meaning of the instruction of that name inside a `fused_elementwise` program.
 */
import type { Value } from '../../ir/graph';
import { elementCount, formatType, isFloat, type DType, type Shape, type TensorType } from '../../ir/types';
import { OpTypeError, type GradContext, type OpDef, type OpSample, type OpTraits, type RefTensor } from '../define';
import { requireArity } from '../attributes';
import { Arithmetic, unbroadcast } from './arithmetic';
import { broadcastIndex, broadcastShapes } from './shapes';

/** Which dtypes an op is defined for. */
export type Domain = 'float' | 'number' | 'signed' | 'bool' | 'any';

const DOMAINS: Readonly<Record<Domain, { readonly has: (dtype: DType) => boolean; readonly words: string }>> = {
  float: { has: isFloat, words: 'floating-point numbers' },
  number: { has: (dtype) => dtype !== 'bool', words: 'numbers' },
  signed: { has: (dtype) => dtype !== 'bool' && dtype !== 'u8', words: 'signed numbers' },
  bool: { has: (dtype) => dtype === 'bool', words: 'bools' },
  any: { has: () => true, words: 'anything' },
};

export interface ElementwiseOp extends OpDef {
  readonly arity: number;
  /** One element. Conditions are 0 or 1. */
  apply(a: number, b: number, c: number): number;
  /** The result's dtype, or an OpTypeError naming what does not fit. */
  dtypeOf(inputs: readonly TensorType[]): DType;
}

/** What a gradient formula may use: the operands and the result. */
interface Terms {
  readonly a: Value;
  readonly b: Value;
  readonly c: Value;
  readonly y: Value;
}
/** The gradient of one operand from that of the result, before it is summed over broadcast axes. */
type GradFormula = (m: Arithmetic, g: Value, terms: Terms) => Value | undefined;

interface Common {
  readonly name: string;
  /** Formula first, then its gradient. */
  readonly doc: string;
  readonly range?: OpSample['range'];
  readonly separated?: boolean;
  readonly tolerance?: number;
  /** Beside those of the family. */
  readonly samples?: readonly OpSample[];
}

interface Unary extends Common {
  readonly apply: (x: number) => number;
  readonly takes: Domain;
  /** The result's dtype where it is not that of the operand. */
  readonly gives?: DType;
  /** Absent: not differentiable. A formula that gives undefined: zero almost everywhere. */
  readonly grad?: GradFormula;
}

interface Binary extends Common {
  readonly apply: (a: number, b: number) => number;
  readonly takes: Domain;
  /** The result's dtype where it is not that of the operands. */
  readonly gives?: DType;
  readonly commutative?: boolean;
  readonly grad?: readonly [GradFormula, GradFormula];
}

interface Elementwise extends Common {
  readonly apply: ElementwiseOp['apply'];
  readonly inputs: readonly string[];
  readonly dtypeOf: (inputs: readonly TensorType[]) => DType;
  readonly commutative?: boolean;
  readonly grad?: readonly GradFormula[] | undefined;
  readonly samples: readonly OpSample[];
}

const UNARY_SHAPES: readonly Shape[] = [[], [2, 3], [33, 31]];

const BINARY_SHAPES: readonly (readonly [Shape, Shape])[] = [
  [[], []],
  [
    [33, 31],
    [33, 31],
  ],
  [[2, 3, 4], []],
  [[3, 5], [5]],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [
    [1, 6, 1, 1],
    [2, 6, 3, 5],
  ],
];

function samplesOf(op: Common & { readonly takes: Domain }, shapes: readonly (readonly Shape[])[]): OpSample[] {
  const dtype = op.takes === 'bool' ? 'bool' : 'f32';
  const { range, separated, tolerance } = op;
  return shapes.map((inputs) => ({
    inputs: inputs.map((shape) => ({ dtype, shape })),
    ...(range && { range }),
    ...(separated && { separated }),
    ...(tolerance !== undefined && { tolerance }),
  }));
}

export function unary(op: Unary): ElementwiseOp {
  const { grad, ...rest } = op;
  return elementwise({
    ...rest,
    inputs: ['x'],
    dtypeOf: (inputs) => {
      const own = commonDType(op.takes, inputs);
      return op.gives ?? own;
    },
    grad: grad && [grad],
    samples: [
      ...samplesOf(
        op,
        UNARY_SHAPES.map((shape) => [shape]),
      ),
      ...(op.samples ?? []),
    ],
  });
}

export function binary(op: Binary): ElementwiseOp {
  const { apply } = op;
  return elementwise({
    ...op,
    // Two arguments and no more: a formula like Math.max would read a third.
    apply: (a, b) => apply(a, b),
    inputs: ['a', 'b'],
    dtypeOf: (inputs) => {
      const common = commonDType(op.takes, inputs);
      return op.gives ?? common;
    },
    samples: [...samplesOf(op, BINARY_SHAPES), ...(op.samples ?? [])],
  });
}

/** The general form; `unary` and `binary` fill in what is the same for all of theirs. */
export function elementwise(op: Elementwise): ElementwiseOp {
  const { name, doc, apply, inputs: names, dtypeOf, samples } = op;
  const inPlace = names.map((_, i) => [i, 0] as const);
  const traits: OpTraits = { elementwise: true, foldable: true, inPlace, commutative: op.commutative ?? false };
  const formulas = op.grad;
  return {
    name,
    doc,
    inputs: names,
    outputs: ['y'],
    native: 'elementwise',
    traits,
    arity: names.length,
    apply,
    dtypeOf,
    samples,
    infer: (inputs) => {
      requireArity(inputs, names.length);
      return [{ dtype: dtypeOf(inputs), shape: broadcastShapes(inputs) }];
    },
    evaluate: (inputs, _attrs, [output]) => (output ? [applyAll(apply, inputs, output)] : []),
    ...(formulas && { grad: (context: GradContext) => gradients(formulas, context) }),
    cost: (_inputs, outputs) => ({ flops: outputs.reduce((sum, y) => sum + elementCount(y.shape), 0) }),
  };
}

/** The dtype that all operands share, if the op takes it. */
export function commonDType(takes: Domain, inputs: readonly TensorType[]): DType {
  const [first, ...rest] = inputs;
  if (!first) throw new OpTypeError('takes at least 1 input, found 0');
  const other = rest.find((input) => input.dtype !== first.dtype);
  if (other) {
    throw new OpTypeError(
      `the two sides have different dtypes, ${formatType(first)} and ${formatType(other)}: cast one of them`,
    );
  }
  if (!DOMAINS[takes].has(first.dtype)) {
    throw new OpTypeError(`takes ${DOMAINS[takes].words}, found ${formatType(first)}: cast it first`);
  }
  return first.dtype;
}

function applyAll(
  apply: ElementwiseOp['apply'],
  inputs: readonly RefTensor[],
  { dtype, shape }: TensorType,
): Float64Array {
  const result = new Float64Array(elementCount(shape));
  const operand = (k: number): ((i: number) => number) => {
    const input = inputs[k];
    if (!input) return () => 0;
    const { data } = input;
    const index = broadcastIndex(input.type.shape, shape);
    return index ? (i) => data[index[i] ?? 0] ?? 0 : (i) => data[i] ?? 0;
  };
  const [a, b, c] = [operand(0), operand(1), operand(2)];
  for (let i = 0; i < result.length; i++) result[i] = apply(a(i), b(i), c(i));
  // No integer stands for a number that there is not: as a cast, 0 does.
  return isFloat(dtype) ? result : result.map((value) => (Number.isNaN(value) ? 0 : value));
}

function gradients(formulas: readonly GradFormula[], { b, node, outputGrads, wants }: GradContext) {
  const [g] = outputGrads;
  const [y] = node.outputs;
  if (!g || !y) return [];
  const [first = y, second = y, third = y] = node.inputs;
  const m = new Arithmetic(b, y.type.dtype);
  return node.inputs.map((input, i) => {
    const gradient = wants[i] ? formulas[i]?.(m, g, { a: first, b: second, c: third, y }) : undefined;
    return gradient && unbroadcast(b, gradient, input.type.shape);
  });
}
