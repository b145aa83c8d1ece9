/**
 * What passes rewrite graphs with: a forward sweep that offers every node to a rule and substitutes what the rule
 * gives back, use counts, and the removal of nodes whose results nobody reads. Each gives the same graph object
 * back if nothing changed.
 */
import { InternalError } from '../diagnostics/errors';
import { Builder } from './builder';
import type { Attrs, Graph, Node, Value } from './graph';
import { sameType } from './types';

/** The node that computes each value; inputs and states have none. */
export function definitionsOf(graph: Graph): Map<Value, Node> {
  const definitions = new Map<Value, Node>();
  for (const node of graph.nodes) for (const output of node.outputs) definitions.set(output, node);
  return definitions;
}

/** How often each value is read, by nodes, results and updates together. */
export function useCountsOf(graph: Graph): Map<Value, number> {
  const counts = new Map<Value, number>();
  const use = (value: Value): void => void counts.set(value, (counts.get(value) ?? 0) + 1);
  for (const node of graph.nodes) node.inputs.forEach(use);
  for (const result of graph.results) use(result.value);
  for (const update of graph.updates) use(update.value);
  return counts;
}

/** Without the nodes that contribute to no result and no update. */
export function removeDeadNodes(graph: Graph): Graph {
  const live = new Set<Value>();
  for (const result of graph.results) live.add(result.value);
  for (const update of graph.updates) live.add(update.value);
  const kept: Node[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i] as Node;
    if (!node.outputs.some((output) => live.has(output))) continue;
    for (const input of node.inputs) live.add(input);
    kept.push(node);
  }
  return kept.length === graph.nodes.length ? graph : { ...graph, nodes: kept.reverse() };
}

/** A builder that starts from another graph's inputs and states, whose names are all taken until they are released. */
export function builderFor(graph: Graph): Builder {
  const b = new Builder(graph.name);
  b.adopt(graph);
  for (const node of graph.nodes) for (const output of node.outputs) b.reserve(output.name);
  return b;
}

/** What a rule sees of the graph being rewritten. */
export interface RewriteContext {
  readonly b: Builder;
  /** The node that computes a value, as already rewritten. */
  definition(value: Value): Node | undefined;
  /** How often a value is read; an upper bound where rules have already removed readers. */
  uses(value: Value): number;
  /** A node that takes the name and origin of the one being replaced: the user's name stays on the result. */
  op(op: string, inputs: readonly Value[], attrs?: Attrs): Value;
  /** An intermediate of the replacement. */
  intermediate(op: string, inputs: readonly Value[], attrs?: Attrs): Value;
}

/** Values to stand for the node's outputs, or undefined to leave the node alone. */
export type Rule = (node: Node, context: RewriteContext) => Value | readonly Value[] | undefined;

/** One sweep in topological order. Inputs of the node a rule sees are already rewritten. Replaced nodes stay where others read them. */
export function rewriteNodes(graph: Graph, rule: Rule): Graph {
  const b = builderFor(graph);
  const uses = useCountsOf(graph);
  const definitions = new Map<Value, Node>();
  const substitutes = new Map<Value, Value>();
  const substituted = (value: Value): Value => substitutes.get(value) ?? value;
  let current: Node | undefined;
  const context: RewriteContext = {
    b,
    definition: (value) => definitions.get(value),
    uses: (value) => uses.get(value) ?? 0,
    op: (op, inputs, attrs) => b.op(op, inputs, attrs, current?.outputs[0]?.name ?? op),
    intermediate: (op, inputs, attrs) => b.op(op, inputs, attrs, `${current?.outputs[0]?.name ?? op}.${op}`),
  };
  let changed = false;
  for (const original of graph.nodes) {
    const inputs = original.inputs.map(substituted);
    const same = inputs.every((input, i) => input === original.inputs[i]);
    const node = same ? original : { ...original, inputs };
    const before = b.nodes.length;
    current = node;
    b.origin = node.origin;
    for (const output of node.outputs) b.release(output.name);
    const replacement = rule(node, context);
    if (replacement === undefined) {
      if (b.nodes.length > before) throw new InternalError(`a rule made nodes for ${node.op} and then gave up`);
      b.append(node);
    } else {
      changed = true;
      const values: readonly Value[] = Array.isArray(replacement) ? replacement : [replacement as Value];
      node.outputs.forEach((output, i) => {
        const value = values[i];
        if (!value || !sameType(value.type, output.type)) {
          throw new InternalError(`a rule replaced %${output.name} by a value of another type`);
        }
        substitutes.set(output, value);
        uses.set(value, (uses.get(value) ?? 0) + (uses.get(output) ?? 0));
      });
    }
    for (const made of b.nodes.slice(before)) for (const output of made.outputs) definitions.set(output, made);
  }
  if (!changed) return graph;
  return {
    ...graph,
    nodes: [...b.nodes],
    results: graph.results.map((result) => ({ ...result, value: substituted(result.value) })),
    updates: graph.updates.map((update) => ({ ...update, value: substituted(update.value) })),
  };
}
