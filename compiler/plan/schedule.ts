/**
 * The order in which nodes run: that of the graph, but what only leads to an update runs as soon as it can, so that
 * gradients do not wait in memory for the end of the step. A state's new value is computed straight into the state
 * where every reader of the old value, and every check that could still fail, comes before; where that would go round
 * in a circle, it is computed elsewhere and copied when everything has run.
 */
import { InternalError } from '../diagnostics/errors';
import type { Graph, Node, Update, Value } from '../ir/graph';
import { MinHeap } from '../ir/heap';
import { mayFail } from '../ir/hoist';
import { elementCount, sameType } from '../ir/types';
import { carriedPairs } from '../ops/families/regions';
import { opNamed } from '../ops/registry';
import { FUSED } from '../passes/elementwise_group';
import { rootsOf } from './legalize';

export interface Schedule {
  readonly nodes: readonly Node[];
  /** Values that are computed straight into a state. */
  readonly intoState: ReadonlyMap<Value, Value>;
  /** Updates whose values are copied into their states at the end. */
  readonly late: readonly Update[];
}

/** True if `node` may write its output number `output` over the input whose bytes `isTarget`. */
export function mayOverwrite(node: Node, output: number, isTarget: (input: Value) => boolean): boolean {
  const y = node.outputs[output];
  const readers = node.inputs.flatMap((input, i) => (isTarget(input) ? [i] : []));
  if (!y) return false;
  if (node.op === FUSED) {
    // Element by element: safe where the input is not broadcast.
    return readers.every((i) => {
      const x = node.inputs[i];
      return x?.type.dtype === y.type.dtype && elementCount(x.type.shape) === elementCount(y.type.shape);
    });
  }
  const pairs = node.regions ? carriedPairs(node) : (opNamed(node.op).traits.inPlace ?? []);
  return readers.every((i) => {
    const x = node.inputs[i];
    return readers.length === 1 && x && sameType(x.type, y.type) && pairs.some(([a, b]) => a === i && b === output);
  });
}

export function schedule(graph: Graph): Schedule {
  const { nodes } = graph;
  const rootOf = rootsOf(graph);
  const indexOf = new Map<Value, number>();
  nodes.forEach((node, i) => node.outputs.forEach((output) => indexOf.set(output, i)));
  const producerOf = (value: Value): number | undefined => indexOf.get(value);

  const readersOfState = new Map<Value, number[]>(graph.states.map((state) => [state.value, []]));
  nodes.forEach((node, i) => {
    if (opNamed(node.op).traits.view === true) return;
    for (const input of node.inputs) {
      const readers = readersOfState.get(rootOf(input));
      if (readers && readers.at(-1) !== i) readers.push(i);
    }
  });
  const checked = ancestorsOfChecks(graph, producerOf);
  const direct: (Update & { readonly producer: number })[] = [];
  for (const update of graph.updates) {
    const producer = producerOf(update.value);
    const node = producer === undefined ? undefined : nodes[producer];
    if (producer === undefined || !node)
      throw new InternalError(`the update of @${update.state.name} is not legalized`);
    const output = node.outputs.indexOf(update.value);
    const overwrites = mayOverwrite(node, output, (input) => rootOf(input) === update.state);
    if (overwrites && checked[producer] !== 1) direct.push({ ...update, producer });
  }

  // Edges: hard ones are data, soft ones protect a state's old value and can be given up.
  const users: number[][] = nodes.map(() => []);
  const softUsers: number[][] = nodes.map(() => []);
  const missing = new Int32Array(nodes.length);
  const softMissing = new Int32Array(nodes.length);
  nodes.forEach((node, i) => {
    for (const input of node.inputs) {
      const from = producerOf(input);
      // Nodes come in order, so a second edge from the same one is the last in its list.
      if (from === undefined || users[from]?.at(-1) === i) continue;
      missing[i] = (missing[i] as number) + 1;
      users[from]?.push(i);
    }
  });
  const waits = new Map<number, Set<number>>();
  for (const { state, producer } of direct) {
    const before = waits.get(producer) ?? new Set<number>();
    for (const reader of readersOfState.get(state) ?? []) if (reader !== producer) before.add(reader);
    waits.set(producer, before);
  }
  for (const [producer, before] of waits) {
    softMissing[producer] = before.size;
    for (const reader of before) softUsers[reader]?.push(producer);
  }
  const checks = new Set(nodes.flatMap((node, i) => (mayFail(node) ? [i] : [])));
  const lastCheck = Math.max(-1, ...checks);

  const keys = keysOf(graph, { users, producerOf, waits, lastCheck, rootOf });
  const order: Node[] = [];
  const done = new Uint8Array(nodes.length);
  const givenUp = new Set<number>();
  const waiting = new Set<number>();
  const ready = new MinHeap((i) => keys[i] as number);
  const offer = (i: number): void => {
    if (missing[i] !== 0 || done[i] === 1) return;
    const free = softMissing[i] === 0 && (!waits.has(i) || checks.size === 0);
    if (free || givenUp.has(i)) {
      waiting.delete(i);
      ready.push(i);
    } else {
      waiting.add(i);
    }
  };
  nodes.forEach((_, i) => offer(i));
  while (order.length < nodes.length) {
    const i = ready.pop();
    if (i === undefined) {
      const [stuck] = [...waiting].sort((a, b) => a - b);
      if (stuck === undefined) throw new InternalError(`the nodes of '${graph.name}' depend on each other in a circle`);
      givenUp.add(stuck);
      offer(stuck);
      continue;
    }
    done[i] = 1;
    order.push(nodes[i] as Node);
    for (const user of users[i] ?? []) {
      missing[user] = (missing[user] as number) - 1;
      offer(user);
    }
    for (const user of softUsers[i] ?? []) {
      softMissing[user] = (softMissing[user] as number) - 1;
      if (missing[user] === 0 && !givenUp.has(user)) offer(user);
    }
    if (checks.delete(i) && checks.size === 0) for (const user of [...waiting]) offer(user);
  }
  const kept = direct.filter(({ producer }) => !givenUp.has(producer));
  const intoState = new Map(kept.map(({ state, value }) => [value, state]));
  return { nodes: order, intoState, late: graph.updates.filter(({ value }) => !intoState.has(value)) };
}

/** Nodes that a check depends on, checks included: nothing of theirs may be written to a state before the check has passed. */
function ancestorsOfChecks(graph: Graph, producerOf: (value: Value) => number | undefined): Uint8Array {
  const marked = new Uint8Array(graph.nodes.length);
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i] as Node;
    if (marked[i] !== 1 && !mayFail(node)) continue;
    marked[i] = 1;
    for (const input of node.inputs) {
      const producer = producerOf(input);
      if (producer !== undefined) marked[producer] = 1;
    }
  }
  return marked;
}

interface Edges {
  readonly users: readonly (readonly number[])[];
  readonly producerOf: (value: Value) => number | undefined;
  /** For each node that computes a state's new value: the readers of the old one. */
  readonly waits: ReadonlyMap<number, ReadonlySet<number>>;
  readonly lastCheck: number;
  readonly rootOf: (value: Value) => Value;
}

/** Least first: a node's place in the graph, or just after what it waits for if it only leads to updates. */
function keysOf(graph: Graph, { users, producerOf, waits, lastCheck, rootOf }: Edges): Float64Array {
  const { nodes } = graph;
  const results = new Set(graph.results.map((result) => rootOf(result.value)));
  const updated = new Set(graph.updates.map((update) => update.value));
  const early = new Uint8Array(nodes.length);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i] as Node;
    const { outputs } = node;
    const leads = outputs.some((output) => updated.has(output)) || (users[i] ?? []).length > 0;
    const only =
      (users[i] ?? []).every((user) => early[user] === 1) && !outputs.some((output) => results.has(rootOf(output)));
    early[i] = leads && only && !mayFail(node) && opNamed(node.op).traits.prompt !== true ? 1 : 0;
  }
  const readyAfter = new Float64Array(nodes.length).fill(-1);
  const keys = Float64Array.from(nodes, (_, i) => i);
  nodes.forEach((node, i) => {
    for (const input of node.inputs) {
      const p = producerOf(input);
      if (p === undefined) continue;
      readyAfter[i] = Math.max(readyAfter[i] as number, early[p] === 1 ? (readyAfter[p] as number) : p);
    }
  });
  for (let i = nodes.length - 1; i >= 0; i--) {
    if (early[i] !== 1) continue;
    let key = Infinity;
    const before = waits.get(i);
    if (before) {
      key = Math.max(readyAfter[i] as number, lastCheck);
      for (const reader of before) if (early[reader] !== 1) key = Math.max(key, reader);
    }
    for (const user of users[i] ?? []) key = Math.min(key, keys[user] as number);
    // Between two places of the graph.
    if (key !== Infinity) keys[i] = Number.isInteger(key) ? key + 0.5 : key;
  }
  return keys;
}
