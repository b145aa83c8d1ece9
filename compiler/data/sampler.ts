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

/** The Philox stream of draws with replacement: "draw". */
const DRAWS = 0x64726177;

/** As many draws as there are samples, each with a chance proportional to its own, by (seed, epoch) alone. */
export function drawsOf(chances: Float64Array, how: Omit<OrderOptions, 'shuffle'>): Uint32Array {
  const upTo = new Float64Array(chances.length);
  let total = 0;
  for (let i = 0; i < chances.length; i++) upTo[i] = total += chances[i]!;
  const key = keyOf(how.seed);
  let lanes = philox4x32([0, 0, DRAWS, how.epoch >>> 0], key);
  return Uint32Array.from(chances, (_, k) => {
    if (k > 0 && k % 4 === 0) lanes = philox4x32([k / 4, 0, DRAWS, how.epoch >>> 0], key);
    const point = (lanes[k % 4]! / 2 ** 32) * total;
    let [low, high] = [0, chances.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (upTo[middle]! > point) high = middle;
      else low = middle + 1;
    }
    return low;
  });
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
