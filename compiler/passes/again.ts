/**
 * Writes a graph in which some nodes run again: who reads their results later reads a copy that is computed right
 * before, so that the first one need not wait in memory. A cut (node, place) says that readers behind that place of the
 * order take a copy. Copies are the same nodes on the same inputs, hence the same bytes: random ops draw from seed,
 * step and stream, and none has side effects. Which cuts pay is for `recompute.ts` to say.
 */
import { Builder } from '../ir/builder';
import type { Graph, Node, Value } from '../ir/graph';
import { definitionsOf } from '../ir/rewrite';
import { bytesOf } from '../ir/types';
import { costOf } from '../ops/cost';
import { opNamed } from '../ops/registry';

/** For each node the places behind which its results are computed again, ascending. */
export type Cuts = ReadonlyMap<Node, readonly number[]>;

export interface Copied {
  readonly graph: Graph;
  /** The node of the original that each one is, or is a copy of, and the place for which it was written. */
  readonly sources: ReadonlyMap<Node, { readonly node: Node; readonly place: number }>;
}

const SUFFIX = '.again';

/** How much of a graph is copies. */
export interface Recomputed {
  readonly steps: number;
  readonly flops: number;
  /** Of the operations of the graph without them. */
  readonly share: number;
}

export function recomputedIn({ nodes }: Graph): Recomputed {
  const isCopy = ({ name }: Value): boolean => name.replace(/_\d+$/, '').endsWith(SUFFIX);
  const copies = nodes.filter(({ op, outputs }) => outputs.some(isCopy) && opNamed(op).traits.view !== true);
  const flopsOf = (some: readonly Node[]): number => some.reduce((sum, node) => sum + costOf(node).flops, 0);
  const flops = flopsOf(copies);
  return { steps: copies.length, flops, share: flops / Math.max(1, flopsOf(nodes) - flops) };
}

/** Statistics beside a result cost next to nothing to keep. */
export function isKept({ outputs }: Node, output: Value): boolean {
  const largest = Math.max(...outputs.map(({ type }) => bytesOf(type)));
  return 16 * bytesOf(output.type) < largest;
}

/** `graph` with its nodes in the order in which they run; places are indices in it. */
export function withCopies(graph: Graph, cuts: Cuts): Copied {
  const writer = new Writer(graph, cuts);
  graph.nodes.forEach((node, place) => writer.write(node, place));
  return { graph: { ...graph, nodes: writer.nodes }, sources: writer.sources };
}

class Writer {
  readonly nodes: Node[] = [];
  readonly sources = new Map<Node, { readonly node: Node; readonly place: number }>();
  readonly #definitions: ReadonlyMap<Value, Node>;
  readonly #names: Builder;
  /** By node and by the cut that they belong to. */
  readonly #copies = new Map<Node, Map<number, Node>>();

  constructor(
    graph: Graph,
    private readonly cuts: Cuts,
  ) {
    this.#definitions = definitionsOf(graph);
    this.#names = new Builder(graph.name);
    this.#names.adopt(graph);
    for (const { outputs } of graph.nodes) for (const { name } of outputs) this.#names.reserve(name);
  }

  write(node: Node, place: number): void {
    for (const input of node.inputs) this.#prepare(input, place);
    this.#push(node, place, node, node.outputs);
  }

  #push(source: Node, place: number, node: Node, outputs: readonly Value[]): Node {
    const inputs = node.inputs.map((input) => this.#asOf(input, place));
    const same = outputs === node.outputs && inputs.every((input, i) => input === node.inputs[i]);
    const written = same ? node : { ...node, inputs, outputs };
    this.nodes.push(written);
    this.sources.set(written, { node: source, place });
    return written;
  }

  /** Writes the copies that a reader at `place` needs of the value, inputs first; without recursion, for chains are long. */
  #prepare(value: Value, place: number): void {
    const open = [value];
    for (let top = open.at(-1); top; top = open.at(-1)) {
      const node = this.#definitions.get(top);
      const cut = node && this.#cutOf(node, top, place);
      if (!node || cut === undefined || this.#copies.get(node)?.has(cut) === true) {
        open.pop();
        continue;
      }
      const missing = node.inputs.filter((input) => this.#isMissing(input, place));
      if (missing.length > 0) {
        open.push(...missing);
        continue;
      }
      const outputs = node.outputs.map(({ name, type }) => this.#names.fresh(`${name}${SUFFIX}`, type));
      const copies = this.#copies.get(node) ?? new Map<number, Node>();
      this.#copies.set(node, copies.set(cut, this.#push(node, place, node, outputs)));
      open.pop();
    }
  }

  #isMissing(value: Value, place: number): boolean {
    const node = this.#definitions.get(value);
    const cut = node && this.#cutOf(node, value, place);
    return node !== undefined && cut !== undefined && this.#copies.get(node)?.has(cut) !== true;
  }

  #asOf(value: Value, place: number): Value {
    const node = this.#definitions.get(value);
    const cut = node && this.#cutOf(node, value, place);
    const copy = node && cut !== undefined ? this.#copies.get(node)?.get(cut) : undefined;
    return (node && copy?.outputs[node.outputs.indexOf(value)]) ?? value;
  }

  /** The last cut before a place; a view goes with what it is a view of. Undefined: the value itself is read. */
  #cutOf(node: Node, value: Value, place: number): number | undefined {
    let [source, viewed]: [Node | undefined, Value | undefined] = [node, value];
    while (source && opNamed(source.op).traits.view === true) {
      viewed = source.inputs[0];
      source = viewed && this.#definitions.get(viewed);
    }
    const cuts = source && this.cuts.get(source);
    if (!source || !viewed || !cuts || isKept(source, viewed)) return undefined;
    return cuts.findLast((cut) => cut < place);
  }
}
