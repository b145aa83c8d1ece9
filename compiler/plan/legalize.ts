/**
 * The last graph before the plan: everything in it is a kernel, a view or a constant. Element-wise nodes that no group
 * took become groups of one, large filled constants are spread from one number, and every result and update gets a
 * value of its own to be computed into its place: results must outlive the step, updates become the state's bytes.
 */
import { InternalError } from '../diagnostics/errors';
import type { Builder } from '../ir/builder';
import type { Attrs, Graph, Value } from '../ir/graph';
import { builderFor, definitionsOf, removeDeadNodes, rewriteNodes } from '../ir/rewrite';
import { bytesOf, type TensorType } from '../ir/types';
import { opNamed } from '../ops/registry';
import { FUSED, groupNode, isInstruction } from '../passes/elementwise_group';
import { fillOf } from '../passes/local';

/** A filled constant of more bytes than this is not stored but spread by `broadcast_to` whenever it is needed. */
const MOST_FILLED_BYTES = 16 * 1024;

export function legalize(graph: Graph): Graph {
  return withOwnValues(wrapInstructions(spreadFills(removeDeadNodes(graph))));
}

/** What each value's bytes belong to: itself, or what it is a view of. */
export function rootsOf(graph: Graph): (value: Value) => Value {
  const roots = new Map<Value, Value>();
  const rootOf = (value: Value): Value => roots.get(value) ?? value;
  for (const { op, inputs, outputs } of graph.nodes) {
    if (opNamed(op).traits.view !== true) continue;
    const [input] = inputs;
    const [output] = outputs;
    if (!input || !output) throw new InternalError(`the view ${op} has no input or no output`);
    roots.set(output, rootOf(input));
  }
  return rootOf;
}

function spreadFills(graph: Graph): Graph {
  return rewriteNodes(graph, (node, context) => {
    const [output] = node.outputs;
    const fill = fillOf(node);
    if (!output || fill === undefined || bytesOf(output.type) <= MOST_FILLED_BYTES) return undefined;
    const { dtype, shape } = output.type;
    return context.op('broadcast_to', [context.b.full(fill, [], dtype, `${output.name}.fill`)], { shape });
  });
}

function wrapInstructions(graph: Graph): Graph {
  if (!graph.nodes.some(isInstruction)) return graph;
  const definitions = definitionsOf(graph);
  const nodes = graph.nodes.map((node) =>
    isInstruction(node)
      ? groupNode(
          [node],
          () => true,
          (value) => definitions.get(value),
        )
      : node,
  );
  // The constants that became literals.
  return removeDeadNodes({ ...graph, nodes });
}

function withOwnValues(graph: Graph): Graph {
  const definitions = definitionsOf(graph);
  const rootOf = rootsOf(graph);
  const isComputed = (value: Value): boolean => {
    const node = definitions.get(value);
    return node !== undefined && node.op !== 'constant';
  };
  const b = builderFor(graph);
  const origins = new Map(graph.states.map((state) => [state.value, state.origin]));
  const inputs = new Set(graph.inputs);

  const results = graph.results.map((result) => {
    const root = rootOf(result.value);
    return inputs.has(root) || isComputed(root)
      ? result
      : { ...result, value: copyOf(b, result.value, fillOf(definitions.get(root))) };
  });
  const taken = new Set(results.map((result) => rootOf(result.value)));
  const updates = graph.updates.map((update) => {
    const { state, value } = update;
    const own = rootOf(value) === value && isComputed(value) && !taken.has(value);
    taken.add(value);
    if (own) return update;
    b.origin = origins.get(state) ?? b.origin;
    return { state, value: copyOf(b, value, fillOf(definitions.get(rootOf(value)))) };
  });
  return b.nodes.length === graph.nodes.length
    ? graph
    : removeDeadNodes({ ...graph, nodes: [...b.nodes], results, updates });
}

function copyOf(b: Builder, value: Value, fill: number | undefined): Value {
  const { dtype, shape } = value.type;
  const name = `${value.name}.copy`;
  if (fill !== undefined && shape.length > 0) {
    return b.op('broadcast_to', [b.full(fill, [], dtype, `${value.name}.fill`)], { shape }, name);
  }
  const { op, attrs } = copying(value.type);
  return b.op(op, [value], attrs, name);
}

/** The op that gives the same bytes elsewhere. Programs compute in floating point, which does not hold every 64-bit integer. */
export function copying({ dtype, shape }: TensorType): { readonly op: string; readonly attrs: Attrs } {
  if (dtype === 'f32') return { op: FUSED, attrs: { program: 'yield %0' } };
  return { op: 'slice', attrs: { starts: shape.map(() => 0), limits: shape, strides: shape.map(() => 1) } };
}
