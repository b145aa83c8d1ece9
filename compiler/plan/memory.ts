/**
 * Memory of a graph, and of the regions in it. A region is planned like a program: its carried values, or what a branch
 * gives, are its states, which lie in the outputs of the node that runs it; what it captured lies in the node's inputs;
 * the rest has an arena of its own, which is the node's workspace.
 */
import { InternalError } from '../diagnostics/errors';
import type { Graph, Node, Result, State, Update, Value } from '../ir/graph';
import { regionOf, scanParts, whileParts, type LoopParts } from '../ops/families/regions';
import { opNamed } from '../ops/registry';
import { placeBuffers, type Arena } from './arena';
import { legalize } from './legalize';
import { livenessOf, type Bound, type Home, type Liveness } from './liveness';
import { schedule, type Schedule } from './schedule';

/** What a graph keeps in memory, and when; not yet where. */
export interface GraphNeeds {
  readonly graph: Graph;
  readonly schedule: Schedule;
  readonly liveness: Liveness;
}

/** What `dlc inspect` and budgets ask for. */
export interface GraphMemory extends GraphNeeds {
  readonly arena: Arena;
}

export interface RegionMemory extends GraphMemory {
  /** Where states of the region's graph lie. */
  readonly homes: ReadonlyMap<Value, Home>;
  /** What the node fills in before a run, in order. */
  readonly filled: readonly Value[];
  /** What the node takes: a value of the graph, or one of its states. */
  readonly taken: readonly { readonly value: Value; readonly early: boolean }[];
}

/** With `bound`, a region; what its node fills in and takes lies apart where `inputs` names it, or it is a result. */
export function needsOf(graph: Graph, bound?: Bound, inputs: readonly Value[] = []): GraphNeeds {
  const legal = legalize(graph);
  const scheduled = schedule(legal);
  const apart = new Set(bound ? [...inputs, ...legal.results.map(({ value }) => value)] : []);
  return { graph: legal, schedule: scheduled, liveness: livenessOf(legal, scheduled, workspaceOf, bound, apart) };
}

export function planMemory(graph: Graph, bound?: Bound, apart: readonly Value[] = []): GraphMemory {
  const needs = needsOf(graph, bound, apart);
  return { ...needs, arena: placeBuffers(needs.liveness.buffers) };
}

const known = new WeakMap<Node, readonly RegionMemory[]>();

/** The memory of a node's regions, none for most. */
export function regionsOf(node: Node): readonly RegionMemory[] {
  if (!node.regions) return [];
  const before = known.get(node);
  if (before) return before;
  const made = planRegions(node);
  known.set(node, made);
  return made;
}

function workspaceOf(node: Node): number {
  if (node.regions) return Math.max(0, ...regionsOf(node).map(({ arena }) => arena.bytes));
  const inputs = node.inputs.map((input) => input.type);
  const outputs = node.outputs.map((output) => output.type);
  const bytes = opNamed(node.op).workspace?.(inputs, outputs, node.attrs) ?? 0;
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    throw new InternalError(`the workspace of ${node.op} is ${bytes} bytes`);
  }
  return bytes;
}

function planRegions(node: Node): readonly RegionMemory[] {
  switch (node.op) {
    case 'scan': {
      const parts = scanParts(node);
      return [planBody(node, parts, [...parts.sliceInputs, parts.index], parts.stepResults)];
    }
    case 'while': {
      const parts = whileParts(node);
      return [planCondition(node), planBody(node, parts, [parts.index], [])];
    }
    case 'cond':
      return [planBranch(node, 0), planBranch(node, 1)];
    default:
      throw new InternalError(`nothing is known about the regions of ${node.op}`);
  }
}

/** A loop's body: carried values are states that a step updates. */
function planBody(node: Node, parts: LoopParts, filled: readonly Value[], stepResults: readonly Value[]): RegionMemory {
  const { body, constInputs, carryInputs, carryResults } = parts;
  const states = carryInputs.map((value): State => ({ value, role: 'buffer', origin: node.origin }));
  const homes = new Map(carryInputs.map((value, j): [Value, Home] => [value, { space: 'result', index: j }]));
  // What is carried can be taken from where it is carried: what came before the run, what goes on after it.
  const taken = stepResults.map((value) => {
    if (carryInputs.includes(value)) return { value, early: true };
    const carried = carryInputs[carryResults.indexOf(value)];
    return { value: carried ?? value, early: false };
  });
  const results = stepResults.flatMap((value, k): Result[] =>
    taken[k]?.value === value && !carryInputs.includes(value) ? [{ name: `r${k}`, value }] : [],
  );
  const updates = carryInputs.map((state, j): Update => ({ state, value: carryResults[j] as Value }));
  const inputs = [...constInputs, ...filled];
  const memory = planMemory({ ...body, inputs, states, results, updates }, boundTo(constInputs, 0), filled);
  // Legalizing may have given a result a copy of its own.
  const own = new Map(memory.graph.results.map(({ name, value }) => [name, value]));
  return {
    ...memory,
    homes,
    filled,
    taken: taken.map((each, k) => ({ ...each, value: own.get(`r${k}`) ?? each.value })),
  };
}

/** Only looks at the carried values. */
function planCondition(node: Node): RegionMemory {
  const region = regionOf(node, 0);
  const consts = node.attrs['consts'] as number;
  const bound = new Map(boundTo(region.inputs.slice(0, consts), 0));
  region.inputs.slice(consts, -1).forEach((value, j) => bound.set(value, { space: 'result', index: j }));
  const memory = planMemory(region, bound);
  const taken = memory.graph.results.map(({ value }) => ({ value, early: false }));
  return { ...memory, homes: new Map(), filled: region.inputs.slice(-1), taken };
}

/** A branch: the node's outputs are states that it writes and never reads. */
function planBranch(node: Node, index: number): RegionMemory {
  const region = regionOf(node, index);
  const states = region.results.map(({ value }, j): State => {
    return { value: { name: `output ${j}`, type: value.type }, role: 'buffer', origin: node.origin };
  });
  const homes = new Map(states.map(({ value }, j): [Value, Home] => [value, { space: 'result', index: j }]));
  const updates = region.results.map(({ value }, j): Update => ({ state: (states[j] as State).value, value }));
  const memory = planMemory({ ...region, states, results: [], updates }, boundTo(region.inputs, 1));
  return { ...memory, homes, filled: [], taken: [] };
}

function boundTo(values: readonly Value[], first: number): Bound {
  return new Map(values.map((value, i) => [value, { space: 'operand', index: first + i }]));
}
