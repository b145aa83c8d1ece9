/**
 * Gives convolutions and matrix products the bias and the relu that follow them: their kernels apply both while the
 * result is still in registers. Convolutions with channels last also add an image of the same shape, as at the end of a
 * residual block, and end in a clamp. Only where nobody else reads the value in between.
 */
import type { Node, Value } from '../ir/graph';
import { removeDeadNodes, rewriteNodes, type RewriteContext } from '../ir/rewrite';
import { sameShape } from '../ir/types';
import { isChannelsLast } from '../ops/families/layout';
import { definePass } from './define';
import { fillOf } from './local';

/** Ops that take a bias as third input and an `activation`, with the output axis along which the bias runs. */
const EPILOGUES: Readonly<Record<string, { readonly biasAxis: number }>> = {
  conv: { biasAxis: 1 },
  matmul: { biasAxis: -1 },
};

export const fuse_epilogues = definePass({
  name: 'fuse_epilogues',
  doc: 'Moves bias additions and relus, and with channels last residuals and clamps, into the convolutions and matrix products before them.',
  run(graph) {
    const rewritten = rewriteNodes(graph, (node, context) => {
      if (node.op === 'relu') return withRelu(node, context);
      if (node.op === 'clamp') return withClamp(node, context);
      if (node.op === 'add') return withBias(node, context) ?? withResidual(node, context);
      return undefined;
    });
    // The products without their epilogue have lost their only reader.
    return rewritten === graph ? graph : removeDeadNodes(rewritten);
  },
});

/** The product that computes `value` for a single reader and has no activation yet. */
export function openProduct(value: Value | undefined, context: RewriteContext): Node | undefined {
  const node = value && context.definition(value);
  if (!value || !node || !Object.hasOwn(EPILOGUES, node.op) || node.attrs.activation !== undefined) return undefined;
  return context.uses(value) === 1 ? node : undefined;
}

/** The axis of the product's result along which its bias runs. */
export function outputAxis(product: Node, { type }: Value): number {
  const axis = isChannelsLast(product.attrs) ? -1 : (EPILOGUES[product.op]?.biasAxis ?? 0);
  return axis < 0 ? type.shape.length + axis : axis;
}

function withRelu({ inputs: [x] }: Node, context: RewriteContext): Value | undefined {
  const product = openProduct(x, context);
  return product && context.op(product.op, product.inputs, { ...product.attrs, activation: 'relu' });
}

function withClamp({ inputs: [x, low, high], outputs: [y] }: Node, context: RewriteContext): Value | undefined {
  const product = openProduct(x, context);
  if (!product || !x || !y || !takesImages(product) || !sameShape(x.type.shape, y.type.shape)) return undefined;
  const [least, most] = [low, high].map((bound) => fillOf(bound && context.definition(bound)));
  if (least === undefined || most === undefined || !(least <= most)) return undefined;
  return context.op(product.op, product.inputs, { ...product.attrs, activation: 'clamp', low: least, high: most });
}

/** Kernels for channels last have the richer epilogue. */
function takesImages(product: Node): boolean {
  return product.op === 'conv' && isChannelsLast(product.attrs);
}

function withBias({ inputs: [a, b], outputs: [y] }: Node, context: RewriteContext): Value | undefined {
  for (const [x, bias] of [
    [a, b],
    [b, a],
  ]) {
    const product = openProduct(x, context);
    if (!product || !x || !bias || !y || product.inputs.length !== 2 || !sameShape(x.type.shape, y.type.shape))
      continue;
    const axis = outputAxis(product, x);
    if (!runsAlong(bias, x, axis)) continue;
    return context.op(product.op, [...product.inputs, asVector(bias, x, axis, context)], product.attrs);
  }
  return undefined;
}

/** The convolution is put where the addition was: by then whatever is added to it is there, in any order of the two. */
function withResidual({ inputs: [a, b] }: Node, context: RewriteContext): Value | undefined {
  for (const [x, other] of [
    [a, b],
    [b, a],
  ]) {
    const product = openProduct(x, context);
    if (!product || !x || !other || !takesImages(product) || product.inputs.length > 3) continue;
    if (other.type.dtype !== x.type.dtype || !sameShape(other.type.shape, x.type.shape)) continue;
    const [image, weight, bias] = product.inputs;
    if (!image || !weight) continue;
    return context.op(product.op, [image, weight, bias ?? zeros(x, context), other], product.attrs);
  }
  return undefined;
}

/** A bias that adds nothing, since inputs are told apart by position. */
function zeros(x: Value, context: RewriteContext): Value {
  const shape = x.type.shape.slice(-1);
  return context.intermediate('constant', [], { dtype: 'f32', shape, values: [0] });
}

/** True if `numbers`, which broadcasts to `x`, has one for each index of `axis` and repeats over all others. */
export function runsAlong(numbers: Value, x: Value, axis: number): boolean {
  const { shape, dtype } = numbers.type;
  const aligned = [...new Array<number>(x.type.shape.length - shape.length).fill(1), ...shape];
  return dtype === x.type.dtype && aligned.every((extent, i) => extent === (i === axis ? x.type.shape[axis] : 1));
}

/** What runs along `axis` of `x`, as [K]. */
export function asVector(numbers: Value, x: Value, axis: number, context: RewriteContext): Value {
  if (numbers.type.shape.length === 1) return numbers;
  const channels = x.type.shape[axis] as number;
  const source = context.definition(numbers);
  const [vector] = source?.op === 'reshape' ? source.inputs : [];
  if (vector && sameShape(vector.type.shape, [channels])) return vector;
  return context.intermediate('reshape', [numbers], { shape: [channels] });
}
