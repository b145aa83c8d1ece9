/**
 * Gives convolutions and matrix products the bias and the relu that follow them: their kernels apply both while the
 * result is still in registers. Only where nobody else reads the value in between.
 */
import type { Node, Value } from '../ir/graph';
import { removeDeadNodes, rewriteNodes, type RewriteContext } from '../ir/rewrite';
import { sameShape } from '../ir/types';
import { isChannelsLast } from '../ops/families/layout';
import { definePass } from './define';

/** Ops that take a bias as third input and an `activation`, with the output axis along which the bias runs. */
const EPILOGUES: Readonly<Record<string, { readonly biasAxis: number }>> = {
  conv: { biasAxis: 1 },
  matmul: { biasAxis: -1 },
};

export const fuse_epilogues = definePass({
  name: 'fuse_epilogues',
  doc: 'Moves bias additions and relus into the convolutions and matrix products before them.',
  run(graph) {
    const rewritten = rewriteNodes(graph, (node, context) => {
      if (node.op === 'relu') return withRelu(node, context);
      if (node.op === 'add') return withBias(node, context);
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
