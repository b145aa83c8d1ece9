/**
 * Gives a softmax cross-entropy and its gradient one kernel, which makes the exponentials of the logits once. Only where
 * the gradient of the loss does not itself come from the loss or its weights: a mean over a fixed number of labels, not
 * over those that happen to count.
 */
import type { Graph, Node, Value } from '../ir/graph';
import { nodesFor } from '../ir/rewrite';
import { definePass } from './define';

export const fuse_losses = definePass({
  name: 'fuse_losses',
  doc: 'Gives a softmax cross-entropy and its gradient one kernel, where the gradient of the loss is known before.',
  run(graph) {
    let result = graph;
    for (const node of graph.nodes) if (node.op === 'softmax_cross_entropy') result = withGradient(result, node);
    return result;
  },
});

/** The graph in which the loss and the first gradient of the same logits, if there is one, are one node. */
function withGradient(graph: Graph, loss: Node): Graph {
  const [logits, labels, weights] = loss.inputs;
  const at = graph.nodes.indexOf(loss);
  const end = graph.nodes.findIndex((node, i) => i > at && isGradientOf(node, loss));
  const gradient = graph.nodes[end];
  const dloss = gradient?.inputs[2];
  if (!logits || !labels || !gradient || !dloss) return graph;
  // What makes the gradient of the loss goes before both.
  const between = graph.nodes.slice(at, end);
  const makers = nodesFor(between, [dloss]);
  if (makers.includes(loss)) return graph;
  const moved = new Set(makers);
  const fused: Node = {
    op: 'fused_cross_entropy',
    inputs: [logits, labels, dloss, ...(weights ? [weights] : [])],
    attrs: loss.attrs,
    outputs: [...loss.outputs, ...gradient.outputs],
    origin: loss.origin,
  };
  const rest = between.slice(1).filter((node) => !moved.has(node));
  return {
    ...graph,
    nodes: [...graph.nodes.slice(0, at), ...makers, fused, ...rest, ...graph.nodes.slice(end + 1)],
  };
}

function isGradientOf(node: Node, loss: Node): boolean {
  if (node.op !== 'softmax_cross_entropy_grad') return false;
  const [logits, labels, , ...weights] = node.inputs;
  const inputs: readonly (Value | undefined)[] = [logits, labels, ...weights];
  return (
    inputs.length === loss.inputs.length &&
    inputs.every((input, i) => input === loss.inputs[i]) &&
    sameAttrs(node, loss)
  );
}

function sameAttrs(a: Node, b: Node): boolean {
  const names = new Set([...Object.keys(a.attrs), ...Object.keys(b.attrs)]);
  return [...names].every((name) => a.attrs[name] === b.attrs[name]);
}
