/**
 * What passes rewrite graphs with: a forward sweep that offers every node to a rule and substitutes what the rule
 * gives back, use counts, and the removal of nodes whose results nobody reads. Each gives the same graph object
 * back if nothing changed.
 */
import { InternalError } from '../diagnostics/errors';
import { Builder } from './builder';
import type { Attrs, Graph, Node, Value } from './graph';
import { sameType } from './types';

/** Graphs never change, and most passes hand on the one they were given. */
const definitionsByGraph = new WeakMap<Graph, ReadonlyMap<Value, Node>>();

/** The node that computes each value; inputs and states have none. */
export function definitionsOf(graph: Graph): ReadonlyMap<Value, Node> {
  const known = definitionsByGraph.get(graph);
  if (known) return known;
  const definitions = new Map<Value, Node>();
  for (const node of graph.nodes) for (const output of node.outputs) definitions.set(output, node);
  definitionsByGraph.set(graph, definitions);
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

/** Values that depend on states and constants alone: the same in every call of a graph that updates nothing. */
export function fixedValues(graph: Graph): ReadonlySet<Value> {
  const fixed = new Set<Value>(graph.states.map(({ value }) => value));
  for (const node of graph.nodes) {
    if (node.op !== 'constant' && (node.inputs.length === 0 || !node.inputs.every((input) => fixed.has(input))))
      continue;
    for (const output of node.outputs) fixed.add(output);
  }
  return fixed;
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

/** Those of `nodes` that `values` are computed by, in their order; what is `given` is not computed. */
export function nodesFor(nodes: readonly Node[], values: Iterable<Value>, given?: ReadonlySet<Value>): readonly Node[] {
  const live = new Set<Value>();
  const want = (value: Value): void => {
    if (given?.has(value) !== true) live.add(value);
  };
  for (const value of values) want(value);
  const kept: Node[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i] as Node;
    if (!node.outputs.some((output) => live.has(output))) continue;
    node.inputs.forEach(want);
    kept.push(node);
  }
  return kept.reverse();
}

/** A builder without nodes in which all names of the graph are taken. */
function namesOf(graph: Graph): Builder {
  const b = new Builder(graph.name);
  b.adopt(graph);
  for (const node of graph.nodes) for (const output of node.outputs) b.reserve(output.name);
  return b;
}

/** A builder that goes on where the graph ends. */
export function builderFor(graph: Graph): Builder {
  const b = namesOf(graph);
  for (const node of graph.nodes) b.nodes.push(node);
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
  // Until something changes there is nothing to write down: most sweeps end that way.
  let nodes: Node[] | undefined;
  const changed = new Map<Value, Node>();
  const substitutes = new Map<Value, Value>();
  const substituted = (value: Value): Value => substitutes.get(value) ?? value;
  const context = new SweepContext(graph, definitionsOf(graph), changed);
  for (const [i, original] of graph.nodes.entries()) {
    const same = substitutes.size === 0 || !original.inputs.some((input) => substitutes.has(input));
    const node = same ? original : { ...original, inputs: original.inputs.map(substituted) };
    const replacement = rule(node, context.at(node));
    const made = context.takeMade();
    if (replacement === undefined) {
      if (made.length > 0) throw new InternalError(`a rule made nodes for ${node.op} and then gave up`);
      nodes?.push(node);
      if (!same) for (const output of node.outputs) changed.set(output, node);
      continue;
    }
    nodes ??= graph.nodes.slice(0, i);
    for (const fresh of made) {
      nodes.push(fresh);
      for (const output of fresh.outputs) changed.set(output, fresh);
    }
    const values: readonly Value[] = Array.isArray(replacement) ? replacement : [replacement as Value];
    node.outputs.forEach((output, i) => {
      const value = values[i];
      if (!value || !sameType(value.type, output.type)) {
        throw new InternalError(`a rule replaced %${output.name} by a value of another type`);
      }
      substitutes.set(output, value);
      context.inherit(value, output);
    });
  }
  if (!nodes || substitutes.size === 0) return graph;
  return {
    ...graph,
    nodes,
    results: graph.results.map((result) => ({ ...result, value: substituted(result.value) })),
    updates: graph.updates.map((update) => ({ ...update, value: substituted(update.value) })),
  };
}

/** Most sweeps over most graphs change little: use counts and names are only collected when a rule asks for them. */
class SweepContext implements RewriteContext {
  #uses: Map<Value, number> | undefined;
  #builder: Builder | undefined;
  #node: Node | undefined;
  readonly #inherited: (readonly [heir: Value, from: Value])[] = [];

  constructor(
    readonly graph: Graph,
    readonly definitions: ReadonlyMap<Value, Node>,
    /** What the sweep made and changed so far. No rule meets a value that was replaced. */
    readonly changed: ReadonlyMap<Value, Node>,
  ) {}

  /** For the node that the rule is offered next. */
  at(node: Node): this {
    this.#node = node;
    return this;
  }

  takeMade(): readonly Node[] {
    return this.#builder && this.#builder.nodes.length > 0 ? this.#builder.nodes.splice(0) : [];
  }

  /** Who read `from` reads `heir` now. */
  inherit(heir: Value, from: Value): void {
    if (this.#uses) this.#uses.set(heir, this.uses(heir) + this.uses(from));
    else this.#inherited.push([heir, from]);
  }

  get b(): Builder {
    const b = (this.#builder ??= namesOf(this.graph));
    if (this.#node && b.nodes.length === 0) {
      b.origin = this.#node.origin;
      for (const output of this.#node.outputs) b.release(output.name);
    }
    return b;
  }

  definition(value: Value): Node | undefined {
    return this.changed.get(value) ?? this.definitions.get(value);
  }

  uses(value: Value): number {
    if (!this.#uses) {
      this.#uses = useCountsOf(this.graph);
      for (const [heir, from] of this.#inherited) this.inherit(heir, from);
    }
    return this.#uses.get(value) ?? 0;
  }

  op(op: string, inputs: readonly Value[], attrs: Attrs = {}): Value {
    return this.b.op(op, inputs, attrs, this.#node?.outputs[0]?.name ?? op);
  }

  intermediate(op: string, inputs: readonly Value[], attrs: Attrs = {}): Value {
    return this.b.op(op, inputs, attrs, `${this.#node?.outputs[0]?.name ?? op}.${op}`);
  }
}
