/**
 * Places buffers in one arena so that no two that are alive at the same step overlap, in as few bytes as it can.
 * Several strategies are tried and the best result taken: sweeps over time, forwards and backwards, into the
 * best-fitting hole (n log n, good for the nested lifetimes of a training step), and greedy placement by size and
 * lifetime (n², better where lifetimes are irregular; for large plans of the largest buffers only).
 * The bytes alive at the fullest step are a lower bound. What stays above it is searched for a while: buffers that end
 * at the top are placed first the next time.
 */
import type { Buffer } from './liveness';
import { FreeList } from './free_list';

export interface Arena {
  /** One for each buffer. */
  readonly offsets: Float64Array;
  readonly bytes: number;
  /** No placement can do with less. */
  readonly lowerBound: number;
}

interface Placement {
  readonly offsets: Float64Array;
  readonly bytes: number;
}

/** Greedy placement compares every two buffers. */
const MOST_GREEDY = 3000;
/** Times the lower bound: nothing is searched for within. */
const CLOSE = 1.005;
/** Placements that the search tries from each order, fewer where there are many buffers. */
const MOST_TRIES = 60;
const MOST_COMPARISONS = 8e6;

type Order = (a: Buffer, b: Buffer) => number;
const area = (buffer: Buffer): number => buffer.bytes * (buffer.last - buffer.first + 1);
const duration = (buffer: Buffer): number => buffer.last - buffer.first;
const ORDERS: readonly Order[] = [
  (a, b) => b.bytes - a.bytes,
  (a, b) => area(b) - area(a),
  (a, b) => duration(b) - duration(a) || b.bytes - a.bytes,
  (a, b) => a.first - b.first || b.bytes - a.bytes,
];

/** A placement of `enough` bytes will do; more time finds none that is larger. */
export function placeBuffers(buffers: readonly Buffer[], enough = 0): Arena {
  const all = buffers.map((_, i) => i).filter((i) => (buffers[i]?.bytes ?? 0) > 0);
  const lowerBound = mostAlive(buffers);
  const strategies: (() => Placement)[] = [
    () => sweep(buffers, all),
    () => sweep(buffers.map(mirrored), all),
    ...ORDERS.map((order) => () => greedyThenSweep(buffers, all, order)),
  ];
  let best: Placement = { offsets: new Float64Array(buffers.length), bytes: all.length === 0 ? 0 : Infinity };
  for (const strategy of strategies) {
    if (best.bytes <= Math.max(enough, lowerBound)) break;
    const found = strategy();
    if (found.bytes < best.bytes) best = found;
  }
  const close = Math.max(enough, CLOSE * lowerBound);
  for (const order of ORDERS) {
    if (best.bytes <= close) break;
    const found = search(buffers, all, order, close);
    if (found.bytes < best.bytes) best = found;
  }
  return { ...best, lowerBound };
}

/** Greedy again and again, each time beginning with what ended at the top the time before. */
function search(buffers: readonly Buffer[], which: readonly number[], order: Order, enough: number): Placement {
  let ordered = [...which].sort((a, b) => order(buffers[a] as Buffer, buffers[b] as Buffer) || a - b);
  const tries = Math.min(MOST_TRIES, Math.floor(MOST_COMPARISONS / which.length ** 2));
  let best: Placement = { offsets: new Float64Array(buffers.length), bytes: Infinity };
  for (let i = 0; i < tries && best.bytes > enough; i++) {
    const found = greedy(buffers, ordered);
    if (found.bytes < best.bytes) best = found;
    const isAtTop = (b: number): boolean => (found.offsets[b] as number) + (buffers[b] as Buffer).bytes === found.bytes;
    ordered = [...ordered.filter(isAtTop), ...ordered.filter((b) => !isAtTop(b))];
  }
  return best;
}

/** Bytes alive at the fullest step. */
export function mostAlive(buffers: readonly Buffer[]): number {
  const changes = new Map<number, number>();
  for (const { bytes, first, last } of buffers) {
    changes.set(first, (changes.get(first) ?? 0) + bytes);
    changes.set(last + 1, (changes.get(last + 1) ?? 0) - bytes);
  }
  let alive = 0;
  let most = 0;
  for (const [, change] of [...changes].sort(([a], [b]) => a - b)) {
    alive += change;
    most = Math.max(most, alive);
  }
  return most;
}

function mirrored({ bytes, first, last }: Buffer): Buffer {
  return { bytes, first: -last, last: -first };
}

/** In order of time: what has died is freed, what is born takes the smallest hole that holds it. */
function sweep(buffers: readonly Buffer[], which: readonly number[]): Placement {
  const at = (i: number): Buffer => buffers[i] as Buffer;
  const births = [...which].sort((a, b) => at(a).first - at(b).first || at(b).bytes - at(a).bytes || a - b);
  const deaths = [...which].sort((a, b) => at(a).last - at(b).last || a - b);
  const offsets = new Float64Array(buffers.length);
  const free = new FreeList();
  let dead = 0;
  for (const i of births) {
    for (; at(deaths[dead] as number).last < at(i).first; dead++) {
      const gone = deaths[dead] as number;
      free.release(offsets[gone] as number, at(gone).bytes);
    }
    offsets[i] = free.take(at(i).bytes);
  }
  return { offsets, bytes: free.top };
}

/** One after the other in the given order, each into the smallest gap between those it is alive with. */
function greedy(buffers: readonly Buffer[], ordered: readonly number[]): Placement {
  const offsets = new Float64Array(buffers.length);
  // By offset, so that gaps are found in one walk.
  const placed: number[] = [];
  let top = 0;
  for (const i of ordered) {
    const { bytes, first, last } = buffers[i] as Buffer;
    let best = -1;
    let bestGap = Infinity;
    let reached = 0;
    for (const other of placed) {
      const { bytes: size, first: from, last: to } = buffers[other] as Buffer;
      if (from > last || to < first) continue;
      const start = offsets[other] as number;
      const gap = start - reached;
      if (gap >= bytes && gap < bestGap) {
        best = reached;
        bestGap = gap;
      }
      reached = Math.max(reached, start + size);
    }
    const offset = best >= 0 ? best : reached;
    offsets[i] = offset;
    top = Math.max(top, offset + bytes);
    placed.splice(insertionPoint(placed, offsets, offset), 0, i);
  }
  return { offsets, bytes: top };
}

function insertionPoint(placed: readonly number[], offsets: Float64Array, offset: number): number {
  let low = 0;
  let high = placed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((offsets[placed[middle] as number] as number) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Greedy for as many of the largest buffers as it can take; the rest, which hardly matters, in a sweep on top. */
function greedyThenSweep(buffers: readonly Buffer[], which: readonly number[], order: Order): Placement {
  const compare = (a: number, b: number): number => order(buffers[a] as Buffer, buffers[b] as Buffer) || a - b;
  const bySize = [...which].sort((a, b) => (buffers[b] as Buffer).bytes - (buffers[a] as Buffer).bytes || a - b);
  const large = greedy(buffers, bySize.slice(0, MOST_GREEDY).sort(compare));
  const rest = bySize.slice(MOST_GREEDY);
  const small = sweep(buffers, rest);
  for (const i of rest) large.offsets[i] = large.bytes + (small.offsets[i] as number);
  return { offsets: large.offsets, bytes: large.bytes + small.bytes };
}
