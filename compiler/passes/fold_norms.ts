/**
 * A graph that updates nothing normalizes by numbers that are made of its states: they go into the weights and the bias
 * of the convolution or matrix product before. What that costs is then paid once, as it depends on states alone
 * (plan/prepare.ts). Only where nobody else reads the product.
 */
import type { Graph, Node, Value } from '../ir/graph';
import { movable } from '../ir/hoist';
import { removeDeadNodes, rewriteNodes, type RewriteContext } from '../ir/rewrite';
import { sameShape } from '../ir/types';
import { definePass } from './define';
import { asVector, openProduct, outputAxis } from './fuse_epilogues';

export const fold_norms = definePass({
  name: 'fold_norms',
  doc: 'Scales and shifts weights and biases in the place of the products, where nothing is updated.',
  run(graph) {
    if (graph.updates.length > 0 || graph.states.length === 0) return graph;
    const weights = madeOfStates(graph);
    const rewritten = rewriteNodes(graph, (node, context) => {
      const found = perChannel(node, weights, context);
      if (!found) return undefined;
      const made = node.op === 'mul' ? scaled(found, context) : shifted(found, context);
      for (const value of made) weights.add(value);
      return context.op(found.product.op, [found.product.inputs[0] as Value, ...made], found.product.attrs);
    });
    return rewritten === graph ? graph : removeDeadNodes(rewritten);
  },
});

/** Constants are not among them: a number in the model is not worth a second copy of the weights. */
function madeOfStates(graph: Graph): Set<Value> {
  const states = graph.states.map(({ value }) => value);
  const moving = movable(
    graph.nodes,
    states.map((value) => ({ inner: value, outer: value })),
  );
  return new Set([...states, ...[...moving].flatMap(({ outputs }) => outputs)]);
}

interface PerChannel {
  readonly product: Node;
  readonly weight: Value;
  readonly bias?: Value;
  /** One number for each channel of the product. */
  readonly numbers: Value;
}

/** A product with weights that is multiplied by, or added to, numbers made of states. */
function perChannel(
  { op, inputs: [a, b], outputs: [y] }: Node,
  weights: ReadonlySet<Value>,
  context: RewriteContext,
): PerChannel | undefined {
  if (op !== 'mul' && op !== 'add') return undefined;
  for (const [x, factor] of [
    [a, b],
    [b, a],
  ]) {
    const product = factor && weights.has(factor) ? openProduct(x, context) : undefined;
    const [, weight, bias] = product?.inputs ?? [];
    if (!product || !x || !y || !factor || !weight || !weights.has(weight)) continue;
    if (!sameShape(x.type.shape, y.type.shape) || (product.op === 'matmul' && weight.type.shape.length !== 2)) continue;
    const numbers = asVector(factor, x, outputAxis(product, x), context);
    if (numbers) return { product, weight, numbers, ...(bias ? { bias } : {}) };
  }
  return undefined;
}

function scaled({ product, weight, bias, numbers }: PerChannel, context: RewriteContext): readonly Value[] {
  const across = product.op === 'conv' || product.attrs['transpose_b'] === true ? 0 : weight.type.shape.length - 1;
  const shape = weight.type.shape.map((extent, axis) => (axis === across ? extent : 1));
  const factors = context.intermediate('reshape', [numbers], { shape });
  const whole = context.b.op('mul', [weight, factors], {}, `${weight.name}.scaled`);
  return bias ? [whole, context.b.op('mul', [bias, numbers], {}, `${bias.name}.scaled`)] : [whole];
}

function shifted({ weight, bias, numbers }: PerChannel, context: RewriteContext): readonly Value[] {
  return [weight, bias ? context.b.op('add', [bias, numbers], {}, `${bias.name}.shifted`) : numbers];
}
