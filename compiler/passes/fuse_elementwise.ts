/**
 * Joins element-wise nodes of one output shape into `fused_elementwise` groups that read and write memory once.
 *
 * No group may depend on itself through a node outside. Levels rule that out: every node gets a level such that
 * along an edge it stays the same if the two could share a group, and else grows. Groups are the connected parts of a
 * level, so a path that leaves a level never returns to it. Any such levels will do; each node's is the least one
 * (as soon as possible), then element-wise nodes are raised to that of their first reader: what reads a state or an
 * activation for a later computation joins that computation instead of being kept in memory for it.
 */
import type { Graph, Node, Value } from '../ir/graph';
import { MinHeap } from '../ir/heap';
import { builderFor, definitionsOf, removeDeadNodes, useCountsOf } from '../ir/rewrite';
import { sameShape, type Shape } from '../ir/types';
import { definePass, type Facts } from './define';
import { groupNode, isInstruction, isStorageCast, literalOf, outputOf, type DefinitionOf } from './elementwise_group';

export const fuse_elementwise = definePass({
  name: 'fuse_elementwise',
  doc: 'Joins element-wise nodes of one shape into groups that read and write memory once.',
  run(source, facts) {
    // Dead members would be instructions whose results nobody yields.
    const graph = removeDeadNodes(withOwnWidening(source));
    const definitions = definitionsOf(graph);
    const definitionOf: DefinitionOf = (value) => definitions.get(value);
    const groups = groupsOf(graph, definitionOf, facts);
    return groups.some((group) => group.length > 1) ? emit(graph, groups, definitionOf) : source;
  },
});

/** Programs compute in float32; integers and doubles stay alone, where the kernel computes in float64. */
function isFusible(node: Node): boolean {
  return (
    isStorageCast(node) ||
    (isInstruction(node) && node.inputs.every(isFloatOrBool) && node.outputs.every(isFloatOrBool))
  );
}

function isFloatOrBool({ type: { dtype } }: Value): boolean {
  return dtype === 'f32' || dtype === 'bf16' || dtype === 'bool';
}

/**
 * Each element-wise reader of a value that is stored in fewer bytes widens it for itself: shared, the float32 would be
 * kept in memory from the first group that reads it to the last.
 */
function withOwnWidening(graph: Graph): Graph {
  const casts = new Map<Value, Node>();
  for (const node of graph.nodes) {
    const y = outputOf(node);
    if (isStorageCast(node) && y.type.dtype === 'f32') casts.set(y, node);
  }
  if (casts.size === 0) return graph;
  const uses = useCountsOf(graph);
  const b = builderFor(graph);
  b.nodes.length = 0;
  for (const node of graph.nodes) {
    const takes = (input: Value): boolean =>
      (uses.get(input) ?? 0) > 1 && isFusible(node) && sameShape(input.type.shape, outputOf(node).type.shape);
    const inputs = node.inputs.map((input) => {
      const cast = casts.get(input);
      if (!cast || !takes(input)) return input;
      b.origin = cast.origin;
      return b.op('cast', cast.inputs, cast.attrs, input.name);
    });
    b.nodes.push(inputs.every((input, i) => input === node.inputs[i]) ? node : { ...node, inputs });
  }
  return b.nodes.length === graph.nodes.length ? graph : { ...graph, nodes: [...b.nodes] };
}

interface OpenGroup {
  readonly members: Node[];
  readonly reads: Set<Value>;
  readonly inside: Set<Value>;
}

/** Every node but constants, in groups: most have one member. */
function groupsOf(graph: Graph, definitionOf: DefinitionOf, facts: Facts): readonly (readonly Node[])[] {
  const nodes = graph.nodes.filter((node) => node.op !== 'constant');
  const fusible = nodes.map(isFusible);
  const indexOf = new Map<Value, number>();
  const producers = nodes.map((node, i) => {
    const of = node.inputs.map((input) => indexOf.get(input)).filter((p) => p !== undefined);
    for (const output of node.outputs) indexOf.set(output, i);
    return of;
  });
  const shapeOf = (i: number): Shape => outputOf(nodes[i] as Node).type.shape;
  const canJoin = (a: number, b: number): boolean =>
    fusible[a] === true && fusible[b] === true && sameShape(shapeOf(a), shapeOf(b));
  const levels = levelsOf(producers, fusible, canJoin);
  const parts = new Partition(nodes.length);
  producers.forEach((of, i) => {
    for (const p of of) if (levels[p] === levels[i] && canJoin(p, i)) parts.join(p, i);
  });

  const groups: Node[][] = [];
  const open = new Map<number, OpenGroup>();
  const isLiteral = (value: Value): boolean => literalOf(value, definitionOf) !== undefined;
  nodes.forEach((node, i) => {
    if (fusible[i] !== true) {
      groups.push([node]);
      return;
    }
    const part = parts.find(i);
    const read = node.inputs.filter((input) => !isLiteral(input));
    let group = open.get(part);
    // A part is cut along the order of its nodes, so of two pieces only the later depends on the earlier.
    if (!group || group.members.length >= facts.groupInstructions || readsWith(group, read) > facts.groupInputs) {
      group = { members: [], reads: new Set(), inside: new Set() };
      open.set(part, group);
      groups.push(group.members);
    }
    for (const input of read) if (!group.inside.has(input)) group.reads.add(input);
    group.inside.add(outputOf(node));
    group.members.push(node);
  });
  return groups;
}

/** How many inputs the group has once a node that reads `values` is in it. */
function readsWith({ reads, inside }: OpenGroup, values: readonly Value[]): number {
  return reads.size + new Set(values.filter((value) => !inside.has(value) && !reads.has(value))).size;
}

function levelsOf(
  producers: readonly (readonly number[])[],
  fusible: readonly boolean[],
  canJoin: (a: number, b: number) => boolean,
): Int32Array {
  const levels = new Int32Array(producers.length);
  producers.forEach((of, i) => {
    for (const p of of) {
      levels[i] = Math.max(levels[i] as number, (levels[p] as number) + (canJoin(p, i) ? 0 : 1));
    }
  });
  const bound = new Float64Array(producers.length).fill(Infinity);
  for (let i = producers.length - 1; i >= 0; i--) {
    if (fusible[i] === true && bound[i] !== Infinity) levels[i] = bound[i] as number;
    for (const p of producers[i] ?? []) {
      bound[p] = Math.min(bound[p] as number, (levels[i] as number) - (canJoin(p, i) ? 0 : 1));
    }
  }
  return levels;
}

/** The graph with each group as one node, ordered by the first member and by what the group needs. */
function emit(graph: Graph, groups: readonly (readonly Node[])[], definitionOf: DefinitionOf): Graph {
  const nodes: Node[] = [];
  const groupOf = new Map<Value, number>();
  groups.forEach((group, g) => {
    for (const member of group) for (const output of member.outputs) groupOf.set(output, g);
  });
  const readOutside = new Set<Value>([...graph.results, ...graph.updates].map(({ value }) => value));
  const readers: number[][] = groups.map(() => []);
  const missing = new Int32Array(groups.length);
  groups.forEach((group, g) => {
    for (const member of group) {
      for (const input of member.inputs) {
        const from = groupOf.get(input);
        if (from === g) continue;
        readOutside.add(input);
        // Groups come in order, so a second edge from the same one is the last in its list.
        if (from === undefined || readers[from]?.at(-1) === g) continue;
        missing[g] = (missing[g] as number) + 1;
        readers[from]?.push(g);
      }
    }
  });

  const emitted = new Set<Node>();
  const emitConstant = (value: Value): void => {
    const node = definitionOf(value);
    if (node?.op !== 'constant' || emitted.has(node)) return;
    emitted.add(node);
    nodes.push(node);
  };
  const ready = new MinHeap((g) => g);
  missing.forEach((count, g) => count === 0 && ready.push(g));
  for (let g = ready.pop(); g !== undefined; g = ready.pop()) {
    const group = groups[g] ?? [];
    const [only] = group;
    const node = group.length === 1 && only ? only : groupNode(group, (value) => readOutside.has(value), definitionOf);
    node.inputs.forEach(emitConstant);
    nodes.push(node);
    for (const reader of readers[g] ?? []) if (--(missing[reader] as number) === 0) ready.push(reader);
  }
  for (const { value } of [...graph.results, ...graph.updates]) emitConstant(value);
  return { ...graph, nodes };
}

/** Disjoint sets with path halving. */
class Partition {
  readonly #parent: Int32Array;

  constructor(size: number) {
    this.#parent = Int32Array.from({ length: size }, (_, i) => i);
  }

  find(i: number): number {
    const parent = this.#parent;
    while (parent[i] !== i) {
      parent[i] = parent[parent[i] as number] as number;
      i = parent[i] as number;
    }
    return i;
  }

  join(a: number, b: number): void {
    const [x, y] = [this.find(a), this.find(b)];
    this.#parent[Math.max(x, y)] = Math.min(x, y);
  }
}
