/**
 * Gives the gradient of a small layer's weights to the element-wise group that makes the optimizer's step of it: the
 * gradient then exists strip by strip, in cache, where it would go through memory once on its way out and once back. Of
 * few images it costs about as much to write as to compute.
 */
import type { Graph, Node, Value } from '../ir/graph';
import { definitionsOf, removeDeadNodes } from '../ir/rewrite';
import { sameShape } from '../ir/types';
import { stringAttr } from '../ops/attributes';
import { MOST_DEPTH } from '../ops/fused_matmul';
import { parseProgram, renumbered } from '../ops/families/program';
import { definePass } from './define';
import { FUSED } from './elementwise_group';

export const fuse_updates = definePass({
  name: 'fuse_updates',
  doc: 'Gives gradients of the weights of small dense layers to the group that updates the weights.',
  run(graph) {
    const definitions = definitionsOf(graph);
    const readers = readersOf(graph);
    const nodes = graph.nodes.map((node) => {
      if (node.op !== FUSED) return node;
      const gradient = node.inputs.find((input) => isGradient(definitions.get(input)) && readers.get(input) === 1);
      const product = gradient && definitions.get(gradient);
      return gradient && product && takesAll(node, gradient) ? joined(node, gradient, product) : node;
    });
    const changed = nodes.some((node, i) => node !== graph.nodes[i]);
    // The products have lost their only reader.
    return changed ? removeDeadNodes({ ...graph, nodes }) : graph;
  },
});

/** How often each value is read, as an input or from outside. */
function readersOf(graph: Graph): ReadonlyMap<Value, number> {
  const readers = new Map<Value, number>();
  const outside = [...graph.results, ...graph.updates].map(({ value }) => value);
  for (const value of [...graph.nodes.flatMap(({ inputs }) => inputs), ...outside]) {
    readers.set(value, (readers.get(value) ?? 0) + 1);
  }
  return readers;
}

/** A product of few rows on both sides, in the form that the kernel has. */
function isGradient(node: Node | undefined): node is Node {
  if (node?.op !== 'matmul' || node.inputs.length !== 2) return false;
  const { transpose_a: left, transpose_b: right, activation, weight_shape: packed } = node.attrs;
  if (left !== true || right === true || activation !== undefined || packed !== undefined) return false;
  const { shape } = node.inputs[0]?.type ?? { shape: [] };
  const [depth = 0] = shape;
  return depth <= MOST_DEPTH && node.inputs.every(({ type }) => type.dtype === 'f32' && type.shape.length === 2);
}

/** True if the group is of float32 and reads nothing but tensors of the gradient's shape and numbers. */
function takesAll(group: Node, { type: { shape } }: Value): boolean {
  const isFloat = ({ type }: Value): boolean => type.dtype === 'f32';
  const isNumber = ({ type }: Value): boolean => type.shape.every((extent) => extent === 1);
  const fits = ({ type }: Value): boolean => sameShape(type.shape, shape);
  return (
    [...group.inputs, ...group.outputs].every(isFloat) &&
    group.inputs.every((input) => fits(input) || isNumber(input)) &&
    group.outputs.every(fits)
  );
}

function joined(group: Node, gradient: Value, product: Node): Node {
  const own = group.inputs.indexOf(gradient);
  const others = group.inputs.filter((_, i) => i !== own);
  const program = parseProgram(stringAttr(group.attrs, 'program'));
  return {
    op: 'fused_matmul',
    inputs: [...product.inputs, ...others],
    attrs: { program: renumbered(program, (k) => (k === own ? 0 : k < own ? k + 1 : k)) },
    outputs: group.outputs,
    origin: group.origin,
  };
}
