/**
 * The compiler's memory plan in terms of C: which values share memory comes from `plan/liveness.ts`, where they lie from
 * `plan/arena.ts`, once for each dtype. Model inputs are read where the caller has them, and outputs are computed where
 * the caller wants them. Scratch memory is what the C of a step needs, not what its native kernel would.
 */
import { InternalError } from '../../../diagnostics/errors';
import type { Origin } from '../../../diagnostics/location';
import type { Graph, Node, State, Update, Value } from '../../../ir/graph';
import { elementCount } from '../../../ir/types';
import { placeBuffers } from '../../../plan/arena';
import type { Bound, Buffer, Home } from '../../../plan/liveness';
import { needsOf, regionsOf, type GraphNeeds } from '../../../plan/memory';
import { largest, STORE_BYTES, storeOf, STORES, type Sizes, type Store } from './store';

export interface Placed {
  readonly store: Store;
  /** In elements, from the start of the block's memory of that store. */
  readonly offset: number;
}

export interface BlockMemory {
  readonly needs: GraphNeeds;
  /** Of the block with all that its steps need. */
  readonly sizes: Sizes;
  placeOf(value: Value, home: Extract<Home, { space: 'arena' }>): Placed;
  /** Where a step's scratch memory begins, or the memory of its regions. */
  scratchOf(step: number): Sizes;
}

/** Whether a value is known when the file is written. */
type IsKnown = (value: Value) => boolean;
export type ScratchOf = (node: Node, isKnown: IsKnown) => Sizes;

/** For what no node makes, the copy of an input say. */
export function originOf(graph: Graph): Origin {
  return graph.nodes[0]?.origin ?? { layer: 'copy', via: [], at: { file: '', line: 1, column: 1, length: 0 } };
}

/** The graph with results as states that it writes: they lie where the caller wants them. */
export interface Program {
  readonly needs: GraphNeeds;
  /** The outputs, in order. */
  readonly outputs: readonly Value[];
}

export function programOf(graph: Graph): Program {
  const outputs = graph.results.map(({ name, value }): State => {
    const origin = graph.nodes.find((node) => node.outputs.includes(value))?.origin ?? originOf(graph);
    return { value: { name: `output ${name}`, type: value.type }, role: 'buffer', origin };
  });
  const updates = graph.results.map(({ value }, i): Update => ({ state: outputs[i]!.value, value }));
  const bound: Bound = new Map(graph.inputs.map((value, index) => [value, { space: 'operand', index }]));
  const states = [...graph.states, ...outputs];
  return {
    needs: needsOf({ ...graph, states, results: [], updates }, bound),
    outputs: outputs.map(({ value }) => value),
  };
}

/** `isKnownHome` says whether what lies there is known when the file is written. */
export function placeBlock(needs: GraphNeeds, scratchOf: ScratchOf, isKnownHome: (home: Home) => boolean): BlockMemory {
  const { liveness, graph } = needs;
  const isKnown: IsKnown = (value) => {
    const home = liveness.homeOf(value);
    return home !== undefined && isKnownHome(home);
  };
  // Values of several dtypes may take turns in a buffer: it lies in the memory of each.
  const stores = liveness.buffers.map(() => new Set<Store>());
  const note = (value: Value): void => {
    const home = liveness.homeOf(value);
    if (home?.space === 'arena') stores[home.buffer]!.add(storeOf(value.type.dtype));
  };
  graph.inputs.forEach(note);
  for (const node of graph.nodes) node.outputs.forEach(note);

  const placed = new Map<string, number>();
  const scratch = liveness.steps.map((): Partial<Record<Store, number>> => ({}));
  const sizes: Partial<Record<Store, number>> = {};
  for (const store of STORES) {
    const bytes = STORE_BYTES[store];
    const own = liveness.buffers.map((_, i) => i).filter((i) => stores[i]!.has(store));
    const extra: Buffer[] = [];
    const owners: number[] = [];
    liveness.steps.forEach((node, time) => {
      const count = scratchOf(node, isKnown)[store] ?? 0;
      if (count === 0) return;
      extra.push({ bytes: alignedBytes(count * bytes), first: time, last: time });
      owners.push(time);
    });
    const arena = placeBuffers([...own.map((i) => liveness.buffers[i]!), ...extra]);
    own.forEach((buffer, k) => placed.set(`${store} ${buffer}`, arena.offsets[k]! / bytes));
    owners.forEach((time, k) => (scratch[time]![store] = arena.offsets[own.length + k]! / bytes));
    // What has no elements has a place too.
    if (own.length + extra.length > 0) sizes[store] = Math.max(1, arena.bytes / bytes);
  }
  return {
    needs,
    sizes,
    placeOf(value, { buffer }) {
      const store = storeOf(value.type.dtype);
      const offset = placed.get(`${store} ${buffer}`);
      if (offset === undefined) throw new InternalError(`%${value.name} has no place`);
      return { store, offset };
    },
    scratchOf: (step) => scratch[step] ?? {},
  };
}

const alignedBytes = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** What a node with regions needs for them: one runs after the other. */
export function regionSizes(node: Node, scratchOf: ScratchOf, isKnown: IsKnown): Sizes {
  const isKnownHome = (home: Home): boolean =>
    home.space === 'const' || (home.space === 'operand' && isKnown(node.inputs[home.index]!));
  return largest(...regionsOf(node).map((region) => placeBlock(region, scratchOf, isKnownHome).sizes));
}

/** The largest tensor that a C `int` can index. */
export const MOST_ELEMENTS = 2 ** 31 - 1;

export function isTooLarge(value: Value): boolean {
  return elementCount(value.type.shape) > MOST_ELEMENTS;
}
