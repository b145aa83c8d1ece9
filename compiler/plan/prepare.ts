/**
 * What programs that update nothing make of states and constants alone is the same in every call. It moves to a program
 * of its own, `prepare`, whose results are derived states: the runtime runs it when a state has been written since the
 * last time. Views and broadcasts stay where they are read, and derived states together are bounded by the states that
 * they are made of. What several programs (predict and evaluation, at any batch size) make alike is made once.
 */
import { Builder } from '../ir/builder';
import type { Graph, Node, State, Value } from '../ir/graph';
import { mayFail } from '../ir/hoist';
import { definitionsOf, removeDeadNodes } from '../ir/rewrite';
import { bytesOf } from '../ir/types';
import { opNamed } from '../ops/registry';
import { keyOf } from '../passes/cse';
import { align } from './liveness';

/** The name of the program, and what `--disable-pass` calls the step. */
export const PREPARE = 'prepare';

/** Bytes of derived states for each byte of states: as many as Winograd's products take of each weight. */
const MOST_BYTES = 4;

type Graphs = Readonly<Record<string, Graph>>;

export function isDerived(state: State): boolean {
  return state.role === 'derived';
}

/** The same graphs if nothing moves; `prepare` stands last. */
export function splitPrepared(graphs: Graphs): Graphs {
  const preparation = new Preparation(graphs);
  const split = Object.fromEntries(
    Object.entries(graphs).map(([name, graph]) => [name, isFree(graph) ? preparation.take(graph) : graph]),
  );
  const prepare = preparation.graph();
  return prepare ? { ...split, [PREPARE]: prepare } : graphs;
}

/** Updates nothing: its states stay as they are while it runs. */
function isFree(graph: Graph): boolean {
  return graph.updates.length === 0;
}

class Preparation {
  readonly #b = new Builder(PREPARE);
  /** What the program computes, by what it is. */
  readonly #known = new Map<string, readonly Value[]>();
  readonly #ids = new Map<Value, number>();
  /** Of values of the program. */
  readonly #derived = new Map<Value, State>();
  readonly #taken: Set<string>;
  #bytesLeft: number;

  constructor(graphs: Graphs) {
    const states = Object.values(graphs).flatMap((graph) => graph.states);
    this.#taken = new Set(states.map(({ value }) => value.name));
    const read = Object.values(graphs).flatMap((graph) => (isFree(graph) ? graph.states : []));
    const bytes = new Map(read.map(({ value }) => [value.name, align(bytesOf(value.type))]));
    this.#bytesLeft = [...bytes.values()].reduce((sum, each) => sum + each, 0) * MOST_BYTES;
  }

  graph(): Graph | undefined {
    if (this.#derived.size === 0) return undefined;
    const graph = removeDeadNodes({
      ...this.#b.build(),
      updates: [...this.#derived].map(([value, state]) => ({ state: state.value, value })),
    });
    const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
    return { ...graph, states: [...graph.states.filter(({ value }) => read.has(value)), ...this.#derived.values()] };
  }

  /** The graph, reading derived states in the place of what is made of states alone. */
  take(graph: Graph): Graph {
    const fixed = this.#copyFixed(graph);
    const definitions = definitionsOf(graph);
    const instead = new Map<Value, State>();
    const derive = (value: Value): void => {
      const node = definitions.get(value);
      const copy = fixed.get(value);
      if (!node || !copy || node.op === 'constant') return;
      if (staysWithReader(node)) {
        node.inputs.forEach(derive);
        return;
      }
      const state = this.#derivedOf(copy, node);
      if (state) instead.set(value, state);
    };
    for (const node of graph.nodes) if (!node.outputs.every((output) => fixed.has(output))) node.inputs.forEach(derive);
    for (const { value } of graph.results) derive(value);
    if (instead.size === 0) return graph;

    const substituted = (value: Value): Value => instead.get(value)?.value ?? value;
    return removeDeadNodes({
      ...graph,
      states: [...graph.states, ...new Set(instead.values())],
      nodes: graph.nodes.map((node) =>
        node.inputs.some((input) => instead.has(input)) ? { ...node, inputs: node.inputs.map(substituted) } : node,
      ),
      results: graph.results.map((result) => ({ ...result, value: substituted(result.value) })),
    });
  }

  /** Everything of the graph that no input has a part in, each with what stands for it in the program. */
  #copyFixed(graph: Graph): ReadonlyMap<Value, Value> {
    const copies = new Map<Value, Value>();
    for (const { value, role, origin } of graph.states) {
      this.#b.origin = origin;
      copies.set(value, this.#b.state(value.name, value.type, role));
    }
    for (const node of graph.nodes) {
      const inputs = node.inputs.map((input) => copies.get(input));
      if (!inputs.every((input) => input !== undefined) || !isMovable(node)) continue;
      const outputs = this.#outputsOf({ ...node, inputs });
      node.outputs.forEach((output, i) => copies.set(output, outputs[i] as Value));
    }
    return copies;
  }

  /** The outputs of the program's node that computes the same. */
  #outputsOf(node: Node): readonly Value[] {
    const key = keyOf(node, (value) => this.#idOf(value));
    const known = this.#known.get(key);
    if (known) return known;
    const outputs = node.outputs.map(({ name, type }) => this.#b.fresh(name, type));
    this.#b.append({ ...node, outputs });
    this.#known.set(key, outputs);
    return outputs;
  }

  #idOf(value: Value): number {
    const known = this.#ids.get(value);
    if (known !== undefined) return known;
    this.#ids.set(value, this.#ids.size);
    return this.#ids.size - 1;
  }

  /** The state that will hold a value of the program; undefined where the memory is not worth it. */
  #derivedOf(value: Value, { origin }: Node): State | undefined {
    const known = this.#derived.get(value);
    const bytes = align(bytesOf(value.type));
    if (known || bytes > this.#bytesLeft) return known;
    this.#bytesLeft -= bytes;
    let name = value.name;
    for (let i = 1; this.#taken.has(name); i++) name = `${value.name}_${i}`;
    this.#taken.add(name);
    const state: State = { value: { name, type: value.type }, role: 'derived', origin };
    this.#derived.set(value, state);
    return state;
  }
}

function isMovable(node: Node): boolean {
  return node.op === 'constant' || (opNamed(node.op).traits.random !== true && !mayFail(node));
}

/** Costs nothing, or spreads few numbers over many bytes: there is nothing to save by keeping the result. */
function staysWithReader(node: Node): boolean {
  return opNamed(node.op).traits.view === true || node.op === 'broadcast_to';
}
