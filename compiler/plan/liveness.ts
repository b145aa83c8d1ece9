/**
 * Which bytes hold each value, and from which step to which. A view is its input's bytes; a value may be computed
 * over an input that is read for the last time there, where the kernel allows it; what is left gets a buffer, alive
 * from the step that writes it to the last that reads it. Nothing is placed yet: `arena.ts` does.
 */
import type { Graph, Node, Value } from '../ir/graph';
import { bytesOf } from '../ir/types';
import { isHeld } from '../ops/families/regions';
import { opNamed } from '../ops/registry';
import { rootsOf } from './legalize';
import { ALIGNMENT } from './plan';
import { mayOverwrite, type Schedule } from './schedule';

/** Alive at steps first..last, both included. Inputs are there before step 0 (first = -1), results after the last. */
export interface Buffer {
  readonly bytes: number;
  readonly first: number;
  last: number;
}

export type Home =
  /** in a region: an input or an output of the node that runs it */
  | { readonly space: 'operand' | 'result'; readonly index: number }
  | { readonly space: 'arena'; readonly buffer: number }
  | { readonly space: 'state'; readonly state: Value }
  | { readonly space: 'const'; readonly node: Node };

export interface Liveness {
  /** Nodes that do work at run time, in order; a step's time is its index. */
  readonly steps: readonly Node[];
  readonly buffers: readonly Buffer[];
  /** Undefined for an output that nobody reads. */
  homeOf(value: Value): Home | undefined;
  /** The buffer of each step's workspace; undefined where it needs none. */
  readonly workspaces: readonly (number | undefined)[];
}

export function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** Of a region: the inputs that are tensors of the node itself. Other inputs that nobody reads get no memory there. */
export type Bound = ReadonlyMap<Value, Home>;

/**
 * `workspaceOf` gives the bytes that a step needs for itself. Values that lie `apart` share their bytes with nothing but
 * views of them, so that a loop can move them into the sequences and stacks that they are parts of.
 */
export function livenessOf(
  graph: Graph,
  schedule: Schedule,
  workspaceOf: (node: Node) => number,
  bound?: Bound,
  apart: ReadonlySet<Value> = new Set(),
): Liveness {
  const rootOf = rootsOf(graph);
  const steps = schedule.nodes.filter((node) => opNamed(node.op).native !== 'none');
  const end = steps.length;
  const lastRead = new Map<Value, number>();
  steps.forEach((node, time) => node.inputs.forEach((input) => lastRead.set(rootOf(input), time)));
  for (const { value } of [...graph.results, ...schedule.late]) lastRead.set(rootOf(value), end);
  for (const value of apart) if (lastRead.has(value)) lastRead.set(value, end);

  const buffers: Buffer[] = [];
  const homes = new Map<Value, Home>();
  const allocate = (bytes: number, first: number, last: number): number =>
    buffers.push({ bytes: align(bytes), first, last }) - 1;
  for (const input of graph.inputs) {
    const last = lastRead.get(input);
    const home = bound?.get(input);
    if (home) homes.set(input, home);
    if (home || (bound && last === undefined)) continue;
    homes.set(input, { space: 'arena', buffer: allocate(bytesOf(input.type), -1, last ?? -1) });
  }
  for (const { value } of graph.states) homes.set(value, { space: 'state', state: value });
  for (const node of schedule.nodes) {
    const [output] = node.outputs;
    if (node.op === 'constant' && output) homes.set(output, { space: 'const', node });
  }

  const workspaces = steps.map((node, time) => {
    const overwritten = new Set<Value>();
    node.outputs.forEach((output, i) => {
      const state = schedule.intoState.get(output);
      const last = lastRead.get(output) ?? (isHeld(node, i) ? time : undefined);
      if (state) {
        homes.set(output, { space: 'state', state });
        return;
      }
      if (last === undefined) return;
      if (apart.has(output)) {
        homes.set(output, { space: 'arena', buffer: allocate(bytesOf(output.type), -1, end) });
        return;
      }
      const donor = donorOf(
        node,
        i,
        (root) => {
          const home = homes.get(root);
          return home?.space === 'arena' && lastRead.get(root) === time && !overwritten.has(root) && home;
        },
        rootOf,
      );
      if (donor) {
        overwritten.add(donor.root);
        (buffers[donor.home.buffer] as Buffer).last = last;
        homes.set(output, donor.home);
      } else {
        homes.set(output, { space: 'arena', buffer: allocate(bytesOf(output.type), time, last) });
      }
    });
    const bytes = workspaceOf(node);
    return bytes > 0 ? allocate(bytes, time, time) : undefined;
  });
  return { steps, buffers, workspaces, homeOf: (value) => homes.get(rootOf(value)) };
}

type ArenaHome = Extract<Home, { space: 'arena' }>;

/** An input whose bytes the output can take over: of the same size, dying here, and the kernel may write over it. */
function donorOf(
  node: Node,
  output: number,
  dying: (root: Value) => ArenaHome | false,
  rootOf: (value: Value) => Value,
): { readonly root: Value; readonly home: ArenaHome } | undefined {
  const bytes = bytesOf(node.outputs[output]?.type ?? { dtype: 'f32', shape: [] });
  for (const input of node.inputs) {
    const root = rootOf(input);
    const home = dying(root);
    if (!home || bytesOf(root.type) !== bytes) continue;
    if (mayOverwrite(node, output, (other) => rootOf(other) === root)) return { root, home };
  }
  return undefined;
}
