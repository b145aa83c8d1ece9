/**
 * The order in which training visits its samples: a pure function of the seed and the epoch, so that a resumed run
 * goes on in the middle of an epoch as if it had never stopped. An epoch is ceil(samples / batch) steps; the last
 * batch holds what is left.
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

export function stepsPerEpoch(size: number, batchSize: number): number {
  return Math.ceil(size / batchSize);
}

export interface SamplerOptions {
  readonly size: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly shuffle: boolean;
}

/** Looks up the samples of any step; keeps the order of one epoch at hand. */
export class Sampler {
  readonly stepsPerEpoch: number;
  #epoch = -1;
  #order: Uint32Array = new Uint32Array();

  constructor(readonly options: SamplerOptions) {
    this.stepsPerEpoch = stepsPerEpoch(options.size, options.batchSize);
  }

  epochOf(step: number): number {
    return Math.floor(step / this.stepsPerEpoch);
  }

  /** The samples of a step, counted from 0. A view: copy it to keep it beyond the epoch. */
  batchIndices(step: number): Uint32Array {
    const { size, batchSize, seed, shuffle } = this.options;
    const epoch = this.epochOf(step);
    if (epoch !== this.#epoch) {
      this.#order = orderOf(size, { seed, epoch, shuffle });
      this.#epoch = epoch;
    }
    const start = (step - epoch * this.stepsPerEpoch) * batchSize;
    return this.#order.subarray(start, Math.min(start + batchSize, size));
  }
}
