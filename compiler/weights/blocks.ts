/** Cuts a tensor into boxes of consecutive elements, each small enough to cross between threads in one message. */
import type { Shape } from '../ir/types';
import { elementCount } from '../ir/types';

export interface Block {
  readonly offset: readonly number[];
  readonly count: readonly number[];
  /** First element and number of elements, counted row major. */
  readonly start: number;
  readonly length: number;
}

export function* blocksOf(shape: Shape, limit: number): Generator<Block> {
  // The axis that is cut: everything behind it fits into the limit, everything before it is taken one by one.
  let axis = 0;
  while (axis < shape.length - 1 && elementCount(shape.slice(axis + 1)) > limit) axis++;
  const inner = elementCount(shape.slice(axis + 1));
  const extent = shape[axis] ?? 1;
  const step = Math.max(1, Math.floor(limit / Math.max(inner, 1)));
  const outer = elementCount(shape.slice(0, axis));
  for (let o = 0; o < outer; o++) {
    const lead = unravel(o, shape.slice(0, axis));
    for (let at = 0; at < extent; at += step) {
      const rows = Math.min(step, extent - at);
      yield {
        offset: shape.length === 0 ? [] : [...lead, at, ...shape.slice(axis + 1).map(() => 0)],
        count: shape.length === 0 ? [] : [...lead.map(() => 1), rows, ...shape.slice(axis + 1)],
        start: (o * extent + at) * inner,
        length: rows * inner,
      };
    }
  }
}

function unravel(index: number, shape: Shape): number[] {
  const position = new Array<number>(shape.length).fill(0);
  let rest = index;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    position[axis] = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return position;
}
