/**
 * The order in which training visits its samples: a pure function of the seed and the epoch, so that a resumed run
 * goes on in the middle of an epoch as if it had never stopped.
 */
import { keyOf, philox4x32 } from '../random/philox';

/** The Philox stream of shuffling: "shuf". */
const STREAM = 0x73687566;

export interface OrderOptions {
  readonly seed: number;
  readonly epoch: number;
  readonly shuffle: boolean;
}

/** Fisher and Yates, from the end; draw k comes from lane k mod 4 of block k div 4, at step = epoch. */
export function orderOf(size: number, { seed, epoch, shuffle }: OrderOptions): Uint32Array {
  const order = new Uint32Array(size);
  for (let i = 0; i < size; i++) order[i] = i;
  if (!shuffle) return order;
  const key = keyOf(seed);
  let lanes = philox4x32([0, 0, STREAM, epoch >>> 0], key);
  for (let i = size - 1, draw = 0; i > 0; i--, draw++) {
    if (draw > 0 && draw % 4 === 0) lanes = philox4x32([draw / 4, 0, STREAM, epoch >>> 0], key);
    const j = Math.floor((lanes[draw % 4]! / 2 ** 32) * (i + 1));
    const moved = order[i]!;
    order[i] = order[j]!;
    order[j] = moved;
  }
  return order;
}
