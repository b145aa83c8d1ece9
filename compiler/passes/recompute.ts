/**
 * Fits a training step into `train.memory`: results that wait long for their last readers are dropped and computed again
 * right before. The search goes by the plan's own liveness. At the fullest step it looks for what lies there between two
 * readers, takes what saves the most bytes for the least work, and asks the plan again. What has just been dropped may
 * be an input of the next choice: the copies then form chains, from one kept result to the next. In the end choices that
 * later ones have made needless are taken back. The pass stands behind all others: it knows the real steps, the copies
 * are the very same ones, and no comparison of expressions undoes it.
 */
import type { Graph, Node, Value } from '../ir/graph';
import { mayFail } from '../ir/hoist';
import { bytesOf } from '../ir/types';
import { costOf } from '../ops/cost';
import { opNamed } from '../ops/registry';
import { mostAlive, placeBuffers } from '../plan/arena';
import { rootsOf } from '../plan/legalize';
import { align, type Buffer } from '../plan/liveness';
import { needsOf, type GraphNeeds } from '../plan/memory';
import { withCopies, isKept, type Copied } from './again';
import { definePass } from './define';

/** A bound on compile time: questions to the plan, by the search and by the way back. */
const MOST_ROUNDS = 150;
const MOST_TAKEN_BACK = 32;
/** Share of what could be dropped that one round drops at most. */
const ROUND_SHARE = 1 / 8;
/** Shares of the budget to aim at, until one leads below it: who wants more chooses otherwise and gets further. */
const AIMS = [1, 0.8, 0.5];
/** Steps that one choice may have to run again. */
const LONGEST_CHAIN = 64;
/** Operations in the time of moving a byte, roughly: element-wise steps wait for memory. */
const FLOPS_A_BYTE = 8;

export const recompute = definePass({
  name: 'recompute',
  doc: 'Computes results again instead of keeping them, where the memory of a step has a bound.',
  whole: true,
  run(graph, { memory }) {
    // What changes no state has no backward pass that anything would wait for.
    if (memory === undefined || graph.updates.length === 0) return graph;
    const needs = needsOf(graph);
    const budget = memory - fixedBytes(needs.graph);
    let best: Found = { graph, bytes: placeBuffers(needs.liveness.buffers, budget).bytes };
    for (const aim of AIMS) {
      if (best.bytes <= budget) break;
      const found = new Search(needs, budget).run(aim * budget);
      if (found.bytes < best.bytes) best = found;
    }
    return best.graph;
  },
});

/** States and constants, which are there whatever is computed. */
function fixedBytes({ states, nodes }: Graph): number {
  const constants = nodes.flatMap(({ op, outputs }) => (op === 'constant' ? outputs : []));
  const fixed = [...states.map(({ value }) => value), ...constants];
  return fixed.reduce((sum, { type }) => sum + align(bytesOf(type)), 0);
}

function workOf(node: Node): number {
  const moved = [...node.inputs, ...node.outputs].reduce((sum, { type }) => sum + bytesOf(type), 0);
  return costOf(node).flops + FLOPS_A_BYTE * moved;
}

interface Found {
  readonly graph: Graph;
  readonly bytes: number;
}

interface Choice {
  /** What is computed again behind `place`: a node, and what it needs that is gone by then. */
  readonly nodes: readonly Node[];
  readonly place: number;
  readonly work: number;
}

interface Candidate extends Choice {
  readonly saved: number;
  /** What has to stay in memory for it. */
  readonly reliesOn: ReadonlySet<Node>;
}

class Search {
  readonly #base: Graph;
  readonly #dropped = new Set<Choice>();
  readonly #producers = new Map<Value, Node>();
  readonly #fixed: ReadonlySet<Node>;

  constructor(
    { graph, schedule }: GraphNeeds,
    private readonly budget: number,
  ) {
    this.#base = { ...graph, nodes: schedule.nodes };
    const rootOf = rootsOf(graph);
    for (const node of graph.nodes) for (const output of node.outputs) this.#producers.set(output, node);
    const ends = [...graph.results, ...graph.updates].map(({ value }) => this.#producers.get(rootOf(value)));
    this.#fixed = new Set(ends.filter((node) => node !== undefined));
  }

  /** The first graph found that fits, or else the smallest. `aim` is what is chosen for. */
  run(aim: number): Found {
    let best: Found | undefined;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const copied = this.#copied();
      const needs = needsOf(copied.graph);
      const bytes = bytesOfPlan(needs, this.budget);
      if (!best || bytes < best.bytes) best = { graph: copied.graph, bytes };
      if (bytes <= this.budget) return this.#trimmed(best);
      const chosen = this.#choose(new Moment(copied, needs, this.#producers, this.#fixed), aim);
      if (chosen.length === 0) break;
      for (const choice of chosen) this.#dropped.add(choice);
    }
    return best ?? { graph: this.#base, bytes: Infinity };
  }

  #copied(): Copied {
    const cuts = new Map<Node, number[]>();
    for (const { nodes, place } of this.#dropped) {
      for (const node of nodes) cuts.set(node, [...(cuts.get(node) ?? []), place]);
    }
    for (const places of cuts.values()) places.sort((a, b) => a - b);
    return withCopies(this.#base, cuts);
  }

  /** Without the choices that are not needed in the end, the dearest first. */
  #trimmed(found: Found): Found {
    let best = found;
    const dearest = [...this.#dropped].sort((a, b) => b.work - a.work).slice(0, MOST_TAKEN_BACK);
    for (const choice of dearest) {
      this.#dropped.delete(choice);
      const { graph } = this.#copied();
      const bytes = bytesOfPlan(needsOf(graph), this.budget);
      if (bytes <= this.budget) best = { graph, bytes };
      else this.#dropped.add(choice);
    }
    return best;
  }

  /** What saves the most for its work, no two of which count on each other. */
  #choose(moment: Moment, aim: number): readonly Candidate[] {
    const candidates = moment.candidates().sort((a, b) => b.saved / b.work - a.saved / a.work);
    const most = Math.ceil(candidates.length * ROUND_SHARE);
    const chosen: Candidate[] = [];
    const taken = new Set<Node>();
    const needed = new Set<Node>();
    let over = moment.bytes - aim;
    for (const candidate of candidates) {
      if (chosen.length >= most || (over <= 0 && chosen.length > 0)) break;
      const { nodes, reliesOn, saved } = candidate;
      if (nodes.some((node) => needed.has(node) || taken.has(node))) continue;
      if ([...reliesOn].some((node) => taken.has(node))) continue;
      for (const node of nodes) taken.add(node);
      for (const node of reliesOn) needed.add(node);
      chosen.push(candidate);
      over -= saved;
    }
    return chosen;
  }
}

/** Of the arena; of its lower bound alone where that is above the budget already. */
function bytesOfPlan({ liveness: { buffers } }: GraphNeeds, budget: number): number {
  const bound = mostAlive(buffers);
  return bound > budget ? bound : placeBuffers(buffers, budget).bytes;
}

/** Where in the steps something that a step makes is read. */
interface Life {
  readonly source: Node;
  readonly output: Value;
  readonly bytes: number;
  readonly born: number;
  readonly reads: number[];
}

/** The fullest step of a graph with copies. */
class Moment {
  readonly #time: number;
  /** Of each step. */
  readonly #places: readonly number[];
  readonly #place: number;
  readonly #lives: Life[] = [];
  /** All of a node's results and of its copies'. */
  readonly #bySource = new Map<Node, Life[]>();
  /** Of the graph, read for the last time by now. */
  readonly #goneInputs: ReadonlySet<Value>;
  readonly bytes: number;

  constructor(
    { sources }: Copied,
    { graph, liveness }: GraphNeeds,
    private readonly producers: ReadonlyMap<Value, Node>,
    private readonly fixed: ReadonlySet<Node>,
  ) {
    const { steps, buffers } = liveness;
    const fullest = fullestStep(buffers, steps.length);
    this.#time = fullest.time;
    this.bytes = fullest.bytes;
    this.#places = steps.map((step) => sources.get(step)?.place ?? 0);
    this.#place = this.#places[this.#time] ?? 0;
    const rootOf = rootsOf(graph);
    const reads = new Map<Value, number[]>(graph.inputs.map((input) => [input, []]));
    steps.forEach((step, time) => {
      const { node: source } = sources.get(step) ?? { node: step };
      step.outputs.forEach((output, k) => {
        if (liveness.homeOf(output)?.space !== 'arena') return;
        const times: number[] = [];
        reads.set(output, times);
        const life: Life = {
          source,
          output: source.outputs[k] as Value,
          bytes: align(bytesOf(output.type)),
          born: time,
          reads: times,
        };
        this.#lives.push(life);
        this.#bySource.set(source, [...(this.#bySource.get(source) ?? []), life]);
      });
      for (const input of step.inputs) reads.get(rootOf(input))?.push(time);
    });
    this.#goneInputs = new Set(graph.inputs.filter((input) => !reads.get(input)?.some((time) => time > this.#time)));
  }

  /** What lies in memory between two readers, and what computing it again would save and take. */
  candidates(): Candidate[] {
    const waiting = new Map<Node, number>();
    for (const { source, output, bytes, born, reads } of this.#lives) {
      if (born >= this.#time || !this.#mayRepeat(source) || isKept(source, output)) continue;
      const next = reads.find((time) => time >= this.#time);
      // Steps that were written for the same place can't be told apart by a cut.
      if (next === undefined || (this.#places[next] as number) <= this.#place) continue;
      waiting.set(source, (waiting.get(source) ?? 0) + bytes);
    }
    return [...waiting].flatMap(([node, bytes]) => this.#candidate(node, bytes) ?? []);
  }

  #candidate(node: Node, bytes: number): Candidate | undefined {
    const nodes = new Set<Node>([node]);
    const reliesOn = new Set<Node>();
    let extended = 0;
    let work = 0;
    for (const again of nodes) {
      if (nodes.size > LONGEST_CHAIN) return undefined;
      work += workOf(again);
      for (const input of again.inputs) {
        const root = this.#rootOf(input);
        const source = this.producers.get(root);
        const size = align(bytesOf(root.type));
        if (!source && this.#goneInputs.has(root)) extended += size;
        if (!source || source.op === 'constant' || nodes.has(source)) continue;
        if (this.#isThere(source, root)) reliesOn.add(source);
        else if (this.#mayRepeat(source) && !isKept(source, root) && 8 * size > bytes) nodes.add(source);
        else extended += size;
      }
    }
    const saved = bytes - extended;
    return saved > 0 ? { nodes: [...nodes], place: this.#place, work, saved, reliesOn } : undefined;
  }

  /** Whether it is in memory at this moment for later readers, or computed again for them. */
  #isThere(source: Node, root: Value): boolean {
    return (this.#bySource.get(source) ?? []).some(
      ({ output, reads, born }) => output === root && (born > this.#time || reads.some((time) => time > this.#time)),
    );
  }

  #mayRepeat(node: Node): boolean {
    const { native } = opNamed(node.op);
    return native !== 'none' && !mayFail(node) && !this.fixed.has(node);
  }

  #rootOf(value: Value): Value {
    let root = value;
    for (let node = this.producers.get(root); node; node = this.producers.get(root)) {
      if (opNamed(node.op).traits.view !== true) break;
      root = node.inputs[0] as Value;
    }
    return root;
  }
}

/** The first of the steps at which the most bytes are alive. */
function fullestStep(buffers: readonly Buffer[], steps: number): { readonly time: number; readonly bytes: number } {
  const change = new Float64Array(steps + 2);
  for (const { bytes, first, last } of buffers) {
    const from = Math.max(0, first);
    change[from] = (change[from] as number) + bytes;
    change[last + 1] = (change[last + 1] as number) - bytes;
  }
  let [alive, time, most] = [0, 0, 0];
  for (let i = 0; i < steps; i++) {
    alive += change[i] as number;
    if (alive > most) [time, most] = [i, alive];
  }
  return { time, bytes: most };
}
