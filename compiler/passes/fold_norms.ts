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
import { asVector, openProduct, outputAxis, runsAlong } from './fuse_epilogues';

export const fold_norms = definePass({
  name: 'fold_norms',
  doc: 'Scales and shifts weights and biases in the place of the products, where nothing is updated.',
  run(graph) {
    if (graph.updates.length > 0 || graph.states.length === 0) return graph;
    const weights = madeOfStates(graph);
    const rewritten = rewriteNodes(graph, (node, context) => {
      const norm = node.op === 'add' ? normOf(node, weights, context) : undefined;
      if (!norm) return undefined;
      const { product, x, weight, bias } = folded(norm, context);
      weights.add(weight);
      return context.op(product.op, [x, weight, bias], product.attrs);
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

interface Norm {
  readonly product: Node;
  readonly x: Value;
  readonly weight: Value;
  readonly bias?: Value | undefined;
  /** One number for each channel of the product. */
  readonly scale: Value;
  readonly shift: Value;
}

/** `product · scale + shift`, with weights, scale and shift all made of states. A scale alone saves no pass over memory. */
function normOf(node: Node, weights: ReadonlySet<Value>, context: RewriteContext): Norm | undefined {
  const [y] = node.outputs;
  const [scaled, shift] = besideWeights(node, weights);
  const mul = scaled && context.uses(scaled) === 1 ? context.definition(scaled) : undefined;
  const [p, scale] = mul?.op === 'mul' ? besideWeights(mul, weights) : [];
  const product = openProduct(p, context);
  const [x, weight, bias, residual] = product?.inputs ?? [];
  if (!product || !p || !x || !y || !weight || !scale || !shift || !weights.has(weight) || residual) return undefined;
  if (!sameShape(p.type.shape, y.type.shape) || (product.op === 'matmul' && weight.type.shape.length !== 2)) {
    return undefined;
  }
  const axis = outputAxis(product, p);
  if (!runsAlong(scale, p, axis) || !runsAlong(shift, p, axis)) return undefined;
  const vector = (value: Value): Value => asVector(value, p, axis, context);
  return { product, x, weight, bias, scale: vector(scale), shift: vector(shift) };
}

/** The operand that is not made of states, then the one that is. */
function besideWeights({ inputs: [a, b] }: Node, weights: ReadonlySet<Value>): readonly Value[] {
  if (!a || !b || weights.has(a) === weights.has(b)) return [];
  return weights.has(b) ? [a, b] : [b, a];
}

function folded({ product, x, weight, bias, scale, shift }: Norm, context: RewriteContext) {
  const across = product.op === 'conv' || product.attrs['transpose_b'] === true ? 0 : weight.type.shape.length - 1;
  const shape = weight.type.shape.map((extent, axis) => (axis === across ? extent : 1));
  const factors = context.intermediate('reshape', [scale], { shape });
  const { b } = context;
  return {
    product,
    x,
    weight: b.op('mul', [weight, factors], {}, `${weight.name}.scaled`),
    bias: bias
      ? b.op('add', [b.op('mul', [bias, scale], {}, `${bias.name}.scaled`), shift], {}, `${bias.name}.shifted`)
      : shift,
  };
}
