/**
 * Sums of products over named axes: what einsum, dot and bilinear layers are made of. Each operand names its axes;
 * axes of one name run together, and names that the output lacks are summed over. Two operands at a time become one
 * matrix product, or a product element by element where nothing is summed, in the order that multiplies least.
 */
import type { Builder } from '../../ir/builder';
import type { Value } from '../../ir/graph';
import { elementCount } from '../../ir/types';
import { reshapeTo } from '../../ops/families/arithmetic';
import { sliceAlong } from '../shape/pieces';
import { tableOf } from '../table';

export interface Operand {
  readonly value: Value;
  /** The name of each axis. */
  readonly axes: readonly string[];
}

/** Up to so many operands every order is tried; beyond, the cheapest pair goes first. */
const SEARCHED = 6;

export function contract(b: Builder, operands: readonly Operand[], output: readonly string[]): Value {
  let left = operands.map((operand, i) => {
    const others = operands.filter((_, k) => k !== i).flatMap(({ axes }) => axes);
    return sumOut(b, diagonal(b, operand), new Set([...output, ...others]));
  });
  for (const [i, k] of cheapestOrder(left, output)) {
    const rest = left.filter((_, at) => at !== i && at !== k);
    const kept = new Set([...output, ...rest.flatMap(({ axes }) => axes)]);
    const joined = multiply(b, left[i]!, left[k]!, kept);
    left = left.toSpliced(k, 1).with(i, joined);
  }
  return arranged(b, left[0]!, output);
}

/** An axis named twice is walked along its diagonal. */
function diagonal(b: Builder, operand: Operand): Operand {
  const { value, axes } = operand;
  const second = axes.findIndex((name, i) => axes.indexOf(name) < i);
  if (second < 0) return operand;
  const name = axes[second]!;
  const first = axes.indexOf(name);
  const { shape } = value.type;
  const others = shape.flatMap((_, i) => (i === first || i === second ? [] : [i]));
  const moved = b.op('transpose', [value], { perm: [...others, first, second] });
  const extent = shape[first] ?? 1;
  const kept = others.map((i) => shape[i] ?? 1);
  const flat = reshapeTo(b, moved, [...kept, extent * extent]);
  const diagonals = sliceAlong(b, flat, kept.length, 0, extent * extent, extent + 1);
  return diagonal(b, { value: diagonals, axes: [...others.map((i) => axes[i]!), name] });
}

function sumOut(b: Builder, { value, axes }: Operand, kept: ReadonlySet<string>): Operand {
  const summed = axes.flatMap((name, i) => (kept.has(name) ? [] : [i]));
  if (summed.length === 0) return { value, axes };
  const sum = b.op('reduce_sum', [value], { axes: summed, keepdims: false });
  return { value: sum, axes: axes.filter((name) => kept.has(name)) };
}

function arranged(b: Builder, { value, axes }: Operand, order: readonly string[]): Value {
  const perm = order.map((name) => axes.indexOf(name));
  return perm.every((from, to) => from === to) ? value : b.op('transpose', [value], { perm });
}

/** Two operands become one: axes of both that are kept, those of the left alone, those of the right alone. */
function multiply(b: Builder, left: Operand, right: Operand, kept: ReadonlySet<string>): Operand {
  const shared = left.axes.filter((name) => right.axes.includes(name));
  const batch = shared.filter((name) => kept.has(name));
  const summed = shared.filter((name) => !kept.has(name));
  const rows = left.axes.filter((name) => !right.axes.includes(name));
  const columns = right.axes.filter((name) => !left.axes.includes(name));
  if (summed.length === 0 || (rows.length === 0 && columns.length === 0)) {
    const axes = [...left.axes, ...columns];
    const product = b.op('mul', [spread(b, left, axes), spread(b, right, axes)]);
    return sumOut(b, { value: product, axes }, kept);
  }
  const extents = extentsOf([left, right]);
  const count = (names: readonly string[]): number => elementCount(names.map((name) => extents.get(name) ?? 1));
  const [a, transpose_a] = matrix(b, left, batch, rows, summed);
  const [c, transposed] = matrix(b, right, batch, columns, summed);
  const lead = batch.length > 0 ? [count(batch)] : [];
  const sides = [
    reshapeTo(b, a, [...lead, ...swapIf(transpose_a, count(rows), count(summed))]),
    reshapeTo(b, c, [...lead, ...swapIf(transposed, count(columns), count(summed))]),
  ];
  const product = b.op('matmul', sides, { transpose_a, transpose_b: !transposed });
  const axes = [...batch, ...rows, ...columns];
  return {
    value: reshapeTo(
      b,
      product,
      axes.map((name) => extents.get(name) ?? 1),
    ),
    axes,
  };
}

/** The operand as [batch, free, summed], or as [batch, summed, free] where it lies like that already: true. */
function matrix(
  b: Builder,
  operand: Operand,
  batch: readonly string[],
  free: readonly string[],
  summed: readonly string[],
): readonly [Value, boolean] {
  const turned = [...batch, ...summed, ...free];
  const lies = turned.every((name, i) => operand.axes[i] === name);
  return lies && free.length > 0
    ? [operand.value, true]
    : [arranged(b, operand, [...batch, ...free, ...summed]), false];
}

function swapIf(swap: boolean, free: number, summed: number): readonly [number, number] {
  return swap ? [summed, free] : [free, summed];
}

/** Transposed and with axes of extent 1 put in, so that it broadcasts along `axes`. */
function spread(b: Builder, operand: Operand, axes: readonly string[]): Value {
  const own = axes.filter((name) => operand.axes.includes(name));
  const extents = extentsOf([operand]);
  const shape = axes.map((name) => extents.get(name) ?? 1);
  return reshapeTo(b, arranged(b, operand, own), shape);
}

function extentsOf(operands: readonly Operand[]): ReadonlyMap<string, number> {
  return new Map(
    operands.flatMap(({ value, axes }) => axes.map((name, i) => [name, value.type.shape[i] ?? 1] as const)),
  );
}

type Step = readonly [number, number];

interface Order {
  readonly cost: number;
  /** Positions of pairs; what is joined takes the place of the first, the second goes. */
  readonly steps: readonly Step[];
}

function cheapestOrder(operands: readonly Operand[], output: readonly string[]): readonly Step[] {
  const extents = extentsOf(operands);
  const multiplications = (names: ReadonlySet<string>): number =>
    [...names].reduce((product, name) => product * (extents.get(name) ?? 1), 1);
  const search = (sets: readonly ReadonlySet<string>[]): Order => {
    if (sets.length < 2) return { cost: 0, steps: [] };
    const pairs = pairsOf(sets.length).map(([i, k]) => {
      const union = new Set([...sets[i]!, ...sets[k]!]);
      return { step: [i, k] as const, union, cost: multiplications(union) };
    });
    const tried =
      sets.length <= SEARCHED ? pairs : [pairs.reduce((best, next) => (next.cost < best.cost ? next : best))];
    const orders = tried.map(({ step, union, cost }): Order => {
      const [i, k] = step;
      const needed = new Set([...output, ...sets.flatMap((names, at) => (at === i || at === k ? [] : [...names]))]);
      const joined = new Set([...union].filter((name) => needed.has(name)));
      const rest = search(sets.toSpliced(k, 1).with(i, joined));
      return { cost: cost + rest.cost, steps: [step, ...rest.steps] };
    });
    return orders.reduce((best, next) => (next.cost < best.cost ? next : best));
  };
  return search(operands.map(({ axes }) => new Set(axes))).steps;
}

function pairsOf(count: number): readonly Step[] {
  const places = tableOf(count, (i) => i);
  return places.flatMap((i) => places.slice(i + 1).map((k) => [i, k] as const));
}
