/** Matrix products, the heart of dense layers. */
import type { Attrs } from '../ir/graph';
import type { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';
import { InternalError } from '../diagnostics/errors';
import { elementCount, formatType, isFloat, sameShape, type DType, type Shape, type TensorType } from '../ir/types';
import { booleanAttr, inputAt, requireArity, requireSameDtype } from './attributes';
import { defineOp, OpTypeError, type GradContext } from './define';
import { reshapeTo } from './families/arithmetic';
import { matrixOf } from './families/packed-matrix';
import { operandOf } from './families/storage';

/** When and into how many slices the kernel cuts k (runtime-native/src/cpu/matmul.cpp). */
const SPLIT_DEPTH = 1024;
const MOST_SLICES = 8;
const SPLIT_ELEMENTS = 128 * 128;

/** [..., M, K] × [..., K, N], after the transposes. */
interface Extents {
  readonly batch: Shape;
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

export const matmul = defineOp({
  name: 'matmul',
  doc:
    'y = op(a) · op(b) + bias over the last two axes, op transposing them where asked: [..., M, K] × [..., K, N]. The ' +
    'batch dimensions are equal, or b has rank 2 and serves every batch; bias is [N]; `activation: relu` exists only ' +
    'after fusion. Where a side is bf16 both are rounded to it and summed in float32; the result is like a, or as the ' +
    'attribute `dtype` says. With `weight_shape`, b is what pack_matmul_weights gives for it. Gradients: g · bᵀ, aᵀ · g, and the sum of g over all but the last axis.',
  inputs: ['a', 'b', 'bias?'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true },
  infer: (inputs, attrs) => {
    requireArity(inputs, 2, 3);
    const { batch, m, n } = extentsOf(inputs, attrs);
    return [{ dtype: resultDType(inputs, attrs), shape: [...batch, m, n] }];
  },
  evaluate: ([a, b, bias], attrs) => {
    if (!a || !b) return [];
    const { batch, m, k, n } = extentsOf([a.type, b.type], attrs);
    const rounded = [a, b].some(({ type }) => type.dtype === 'bf16');
    const [left, right] = [operandOf(a, rounded), operandOf(b, rounded)];
    const batches = elementCount(batch);
    const [aRow, aColumn] = booleanAttr(attrs, 'transpose_a') ? [1, m] : [k, 1];
    const [bRow, bColumn] = booleanAttr(attrs, 'transpose_b') ? [1, k] : [n, 1];
    const bBatch = matrixOf(b.type, attrs).shape.length === 2 ? 0 : k * n;
    const relu = attrs['activation'] === 'relu';
    const result = new Float64Array(batches * m * n);
    for (let at = 0; at < result.length; at++) {
      const column = at % n;
      const row = Math.floor(at / n) % m;
      const z = Math.floor(at / (m * n));
      const [aStart, bStart] = [z * m * k + row * aRow, z * bBatch + column * bColumn];
      let sum = bias?.data[column] ?? 0;
      for (let i = 0; i < k; i++) sum += (left[aStart + i * aColumn] ?? 0) * (right[bStart + i * bRow] ?? 0);
      result[at] = relu && sum <= 0 ? 0 : sum;
    }
    return [result];
  },
  grad: (context) => {
    const { b: builder, node, outputGrads, wants } = context;
    const [g] = outputGrads;
    const [a, b] = node.inputs;
    if (node.attrs['activation'] !== undefined) throw new InternalError('matmul: fused activations have no gradient');
    if (node.attrs['weight_shape'] !== undefined) throw new InternalError('matmul: packed weights have no gradient');
    if (!g || !a || !b) return [];
    return [
      wants[0] ? leftGradient(context, g, a, b) : undefined,
      wants[1] ? rightGradient(context, g, a, b) : undefined,
      wants[2] ? builder.op('reduce_sum', [g], { axes: allButLast(g), keepdims: false }) : undefined,
    ];
  },
  cost: (inputs, [y], attrs) => {
    const { k } = extentsOf(inputs, attrs);
    return { flops: elementCount(y?.shape ?? []) * (2 * k + (inputs.length > 2 ? 1 : 0)) };
  },
  // A long sum into a small result is cut into slices of k: their partial results. The kernel has the same rule.
  workspace: (inputs, _outputs, attrs) => {
    const { batch, m, k, n } = extentsOf(inputs, attrs);
    const shared =
      matrixOf(inputAt(inputs, 1, 'right side'), attrs).shape.length === 2 && !booleanAttr(attrs, 'transpose_a');
    const rows = shared ? m * elementCount(batch) : m;
    const one = shared || elementCount(batch) === 1;
    if (!one || rows * n > SPLIT_ELEMENTS || k < 2 * SPLIT_DEPTH) return 0;
    return 4 * Math.min(MOST_SLICES, Math.floor(k / SPLIT_DEPTH)) * rows * n;
  },
  samples: [
    { inputs: [f32(2, 3), f32(3, 4)], attrs: flags(false, false) },
    { inputs: [f32(3, 2), f32(3, 4)], attrs: flags(true, false) },
    { inputs: [f32(33, 17), f32(10, 17), f32(10)], attrs: flags(false, true) },
    { inputs: [f32(5, 3), f32(4, 5), f32(4)], attrs: flags(true, true) },
    {
      name: 'with bias and relu',
      inputs: [f32(7, 9), f32(9, 33), f32(33)],
      attrs: { ...flags(false, false), activation: 'relu' },
      wrt: [],
    },
    { inputs: [f32(1, 7), f32(7, 1)], attrs: flags(false, false) },
    { inputs: [f32(2, 3, 4, 5), f32(2, 3, 5, 6)], attrs: flags(false, false) },
    { inputs: [f32(3, 5, 4), f32(3, 6, 5)], attrs: flags(true, true) },
    { inputs: [f32(3, 4, 5), f32(6, 5), f32(6)], attrs: flags(false, true) },
    { inputs: [f32(3, 5, 4), f32(5, 6)], attrs: flags(true, false) },
    ...[
      { inputs: [bf16(5, 3), bf16(3, 4)], attrs: flags(false, false) },
      { inputs: [bf16(33, 67), f32(67, 35), f32(35)], attrs: flags(false, false) },
      { inputs: [f32(33, 67), bf16(35, 67)], attrs: flags(false, true) },
      { name: 'bfloat16, bias and relu', inputs: [bf16(7, 9), f32(33, 9), f32(33)], attrs: relu(false, true) },
      { inputs: [bf16(67, 17), bf16(67, 19)], attrs: { ...flags(true, false), dtype: 'f32' } },
      { inputs: [f32(3, 5), bf16(5, 4)], attrs: { ...flags(false, false), dtype: 'bf16' } },
      { inputs: [bf16(2, 3, 17, 5), bf16(2, 3, 5, 19)], attrs: flags(false, false) },
      { inputs: [bf16(2, 3, 17, 5), bf16(2, 3, 19, 5)], attrs: flags(false, true) },
      { inputs: [bf16(3, 5, 4), bf16(3, 6, 5)], attrs: flags(true, true) },
      { inputs: [bf16(3, 4, 5), f32(6, 5), f32(6)], attrs: flags(false, true) },
      { inputs: [bf16(1, 7), bf16(7, 1)], attrs: flags(false, false) },
      { name: 'a long sum', inputs: [bf16(2051, 7), bf16(2051, 9)], attrs: { ...flags(true, false), dtype: 'f32' } },
    ].map((each) => ({ ...each, wrt: [] })),
  ],
});

function extentsOf(inputs: readonly TensorType[], attrs: Attrs): Extents {
  const a = inputAt(inputs, 0, 'left side');
  const b = matrixOf(inputAt(inputs, 1, 'right side'), attrs);
  const bias = inputs[2];
  requireOperands(a, b, bias);
  if (a.shape.length < 2 || b.shape.length < 2) {
    throw new OpTypeError(`both sides need at least 2 axes, found ${formatType(a)} and ${formatType(b)}`);
  }
  const batch = a.shape.slice(0, -2);
  if (b.shape.length !== 2 && !sameShape(batch, b.shape.slice(0, -2))) {
    throw new OpTypeError(`the batch dimensions of ${formatType(a)} and ${formatType(b)} differ`);
  }
  const [m, k] = lastTwo(a.shape, booleanAttr(attrs, 'transpose_a'));
  const [rows, n] = lastTwo(b.shape, booleanAttr(attrs, 'transpose_b'));
  if (k !== rows) {
    const how = attrs['transpose_b'] === true ? ', transposed' : '';
    throw new OpTypeError(`the inner extents differ: ${k} of ${formatType(a)} and ${rows} of ${formatType(b)}${how}`);
  }
  if (bias && !sameShape(bias.shape, [n])) {
    throw new OpTypeError(`the bias is ${formatType(bias)}, expected one number for each of ${n} columns`);
  }
  const { activation } = attrs;
  if (activation !== undefined && activation !== 'relu') {
    throw new OpTypeError(`attribute 'activation' is ${JSON.stringify(activation)}, expected "relu"`);
  }
  return { batch, m, k, n };
}

/** Products of bfloat16 take one operand in float32 too; whatever is no operand is float32. */
function requireOperands(a: TensorType, b: TensorType, bias: TensorType | undefined): void {
  if (!isFloat(a.dtype)) throw new OpTypeError(`takes floating-point numbers, found ${formatType(a)}`);
  if (a.dtype !== 'bf16' && b.dtype !== 'bf16') {
    requireSameDtype(bias ? [a, b, bias] : [a, b], ['left side', 'right side', 'bias']);
    return;
  }
  const [other] = [a, b].filter(({ dtype }) => dtype !== 'bf16' && dtype !== 'f32');
  if (other) throw new OpTypeError(`found ${formatType(other)} beside bf16, expected f32 or bf16`);
  if (bias && bias.dtype !== 'f32') throw new OpTypeError(`the bias is ${formatType(bias)}, expected f32 beside bf16`);
}

/** That of the left side, unless `dtype` says otherwise about a product of bfloat16. */
function resultDType(inputs: readonly TensorType[], attrs: Attrs): DType {
  const [a, b] = [inputAt(inputs, 0, 'left side').dtype, inputAt(inputs, 1, 'right side').dtype];
  const { dtype = a } = attrs;
  if (dtype === a || ((dtype === 'f32' || dtype === 'bf16') && [a, b].includes('bf16'))) return dtype;
  throw new OpTypeError(`attribute 'dtype' is ${JSON.stringify(dtype)} for a product of ${a} and ${b}`);
}

function lastTwo(shape: Shape, transposed: boolean): readonly [number, number] {
  const [rows = 1, columns = 1] = shape.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
}

function leftGradient({ b: builder, node }: GradContext, g: Value, a: Value, b: Value): Value {
  const transposeA = booleanAttr(node.attrs, 'transpose_a');
  const transposeB = booleanAttr(node.attrs, 'transpose_b');
  if (!transposeA) return builder.op('matmul', [g, b], flags(false, !transposeB));
  if (b.type.shape.length === a.type.shape.length) return builder.op('matmul', [b, g], flags(transposeB, true));
  return swapLastTwo(builder, builder.op('matmul', [g, b], flags(false, !transposeB)));
}

function rightGradient({ b: builder, node }: GradContext, g: Value, a: Value, b: Value): Value {
  let left = a;
  let right = g;
  let transposeA = booleanAttr(node.attrs, 'transpose_a');
  // One right side for every batch: the batches are rows of one long product.
  if (b.type.shape.length < a.type.shape.length) {
    if (transposeA) left = swapLastTwo(builder, left);
    transposeA = false;
    left = flattenRows(builder, left);
    right = flattenRows(builder, right);
  }
  return booleanAttr(node.attrs, 'transpose_b')
    ? builder.op('matmul', [right, left], flags(true, transposeA))
    : builder.op('matmul', [left, right], flags(!transposeA, false));
}

function flattenRows(b: Builder, x: Value): Value {
  const columns = x.type.shape.at(-1) ?? 1;
  return reshapeTo(b, x, [elementCount(x.type.shape.slice(0, -1)), columns]);
}

function swapLastTwo(b: Builder, x: Value): Value {
  const rank = x.type.shape.length;
  const perm = x.type.shape.map((_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
  return b.op('transpose', [x], { perm });
}

function allButLast(x: Value): number[] {
  return x.type.shape.slice(0, -1).map((_, axis) => axis);
}

function flags(transpose_a: boolean, transpose_b: boolean) {
  return { transpose_a, transpose_b };
}

function relu(transpose_a: boolean, transpose_b: boolean) {
  return { ...flags(transpose_a, transpose_b), activation: 'relu' };
}

function bf16(...shape: readonly number[]): TensorType {
  return { dtype: 'bf16', shape };
}

function f32(...shape: readonly number[]): TensorType {
  return { dtype: 'f32', shape };
}
