/**
 * Extents that follow the batch. A graph of ours is of one batch size; two graphs of the same model, for two sizes, say
 * of every number in them how it depends on the batch: as `fixed + per · batch`.
 */
import type { Attrs, Graph, Node, Value } from '../../../ir/graph';

export interface OfBatch {
  readonly fixed: number;
  readonly per: number;
}

/** A plain number does not depend on the batch. */
export type Extent = number | OfBatch;

/** The batch sizes that graphs are made for: neither 1, which hides axes, nor one a multiple of the other. */
export const BATCHES = [3, 5] as const;

/** Something is not the same at every batch size, and no line through two of them. */
export class BatchError extends Error {
  constructor(
    readonly node: Node | undefined,
    problem: string,
  ) {
    super(problem);
  }
}

export function sameExtent(a: Extent, b: Extent): boolean {
  if (typeof a === 'number' || typeof b === 'number') return a === b;
  return a.fixed === b.fixed && a.per === b.per;
}

export function isFixed(extent: Extent): extent is number {
  return typeof extent === 'number';
}

/** `3·batch + 1`, as a name of a dimension. */
export function symbolOf({ fixed, per }: OfBatch): string {
  const scaled = per === 1 ? 'batch' : `${per}*batch`;
  return fixed === 0 ? scaled : `${scaled} ${fixed < 0 ? '-' : '+'} ${Math.abs(fixed)}`;
}

export class Extents {
  readonly #values = new Map<Value, Value>();
  readonly #nodes = new Map<Node, Node>();
  readonly #states = new Set<Value>();

  /** One graph fixes the batch; two are the same model at the two sizes. */
  constructor(graphs: readonly Graph[]) {
    const [first, second] = graphs;
    if (first && second) this.#pair(first, second);
  }

  shape(value: Value): readonly Extent[] {
    const other = this.#values.get(value);
    return value.type.shape.map((extent, axis) => lineThrough(extent, other?.type.shape[axis] ?? extent));
  }

  /** An attribute that is a list of numbers. */
  list(node: Node, name: string): readonly Extent[] {
    const other = this.other(node);
    const second = numbersOf(other.attrs, name);
    return numbersOf(node.attrs, name).map((extent, i) => lineThrough(extent, second[i] ?? extent, node));
  }

  /** The value in the second graph; itself where there is one graph, or a state that both have. */
  otherValue(value: Value): Value {
    return this.#values.get(value) ?? value;
  }

  /** The node in the second graph; itself where there is one graph. */
  other(node: Node): Node {
    return this.#nodes.get(node) ?? node;
  }

  #pair(first: Graph, second: Graph): void {
    this.#pairValues(undefined, first.inputs, second.inputs);
    for (const { value } of first.states) this.#states.add(value);
    for (const { value } of second.states) this.#states.add(value);
    if (first.nodes.length !== second.nodes.length) {
      throw new BatchError(undefined, 'not the same steps at every batch size');
    }
    first.nodes.forEach((node, i) => {
      const other = second.nodes[i]!;
      if (node.op !== other.op || node.inputs.length !== other.inputs.length) {
        throw new BatchError(node, 'not the same steps at every batch size');
      }
      if (node.inputs.some((input, at) => !this.#isPair(input, other.inputs[at]!))) {
        throw new BatchError(node, 'reads other values at another batch size');
      }
      this.#nodes.set(node, other);
      this.#pairValues(node, node.outputs, other.outputs);
      node.regions?.forEach((region, at) => {
        this.#pair(region, other.regions![at]!);
      });
    });
  }

  /** A state is the same in both graphs, or made for each. */
  #isPair(first: Value, second: Value): boolean {
    const known = this.#values.get(first);
    if (known) return known === second;
    if (!this.#states.has(first) || !this.#states.has(second)) return false;
    this.#pairValues(undefined, [first], [second]);
    return true;
  }

  #pairValues(node: Node | undefined, first: readonly Value[], second: readonly Value[]): void {
    first.forEach((value, i) => {
      const other = second[i];
      if (!other || other.type.dtype !== value.type.dtype || other.type.shape.length !== value.type.shape.length) {
        throw new BatchError(node, 'not the same types at every batch size');
      }
      value.type.shape.forEach((extent, axis) => lineThrough(extent, other.type.shape[axis]!, node));
      this.#values.set(value, other);
    });
  }
}

function numbersOf(attrs: Attrs, name: string): readonly number[] {
  const list = attrs[name];
  return Array.isArray(list) ? (list as readonly number[]) : [];
}

function lineThrough(first: number, second: number, node?: Node): Extent {
  if (first === second) return first;
  const per = (second - first) / (BATCHES[1] - BATCHES[0]);
  if (!Number.isInteger(per)) throw new BatchError(node, 'an extent that is no multiple of the batch');
  return { fixed: first - per * BATCHES[0], per };
}
