/**
 * What random layers draw from in evaluation and prediction: the seed and a counter of batches. The counter starts where
 * no training step gets to, so that no draw of the training is met again; an evaluation always starts it anew, so that
 * two evaluations of the same weights on the same data agree.
 */
import type { NativeSession } from '../native/runtime';

/** The step of the first batch. */
export const FIRST_DRAW = 2n ** 31n;

export class Draws {
  readonly #seed: bigint;
  #batches = 0n;

  constructor(seed: number) {
    this.#seed = BigInt(seed);
  }

  /** The `rng` input of the next batch, for a program that has one. */
  next(session: NativeSession, program: string): { rng?: BigInt64Array } {
    if (!session.program(program).inputs.some(({ name }) => name === 'rng')) return {};
    return { rng: BigInt64Array.of(this.#seed, FIRST_DRAW + this.#batches++) };
  }
}
