/** A generator for each iteration of a loop, from the one of the training step. */
import { tensorType } from '../ir/types';
import { keyOf, philox4x32 } from '../random/philox';
import { inputAt, requireArity } from './attributes';
import { defineOp, OpTypeError, type OpSample } from './define';
import { requireRngType, RNG } from './families/drawing';
import { INDEX, isScalar } from './families/regions';

/** The counter's second and third word: no draw has this attempt, so no draw shares its block with a fold. */
export const FOLD_ATTEMPT = 0xffffffff;
export const FOLD_STREAM = 0x464f4c44;

export const fold_rng = defineOp({
  name: 'fold_rng',
  doc:
    'A new (seed, step) of (seed, step) and an i32[] index: with l0 … l3 the Philox block of key seed and counter ' +
    '(index, 2³² − 1, 0x464f4c44, step), seed = l0 + 2³² · ⌊l1 / 2¹¹⌋ and step = l2. Random ops in a loop draw from ' +
    'fold_rng(rng, index), so that each iteration has numbers of its own. A fold of a fold serves nested loops.',
  inputs: ['rng', 'index'],
  outputs: ['rng'],
  native: 'kernel',
  traits: {},

  infer(inputs) {
    requireArity(inputs, 2);
    requireRngType(inputAt(inputs, 0, 'rng'));
    if (!isScalar(inputAt(inputs, 1, 'index'), 'i32')) throw new OpTypeError('the index must be i32[]');
    return [RNG];
  },

  evaluate(inputs) {
    const [seed = 0, step = 0] = inputAt(inputs, 0, 'rng').data;
    const [index = 0] = inputAt(inputs, 1, 'index').data;
    const [l0, l1, l2] = philox4x32([index >>> 0, FOLD_ATTEMPT, FOLD_STREAM, step >>> 0], keyOf(seed));
    return [Float64Array.of(l0 + 2 ** 32 * (l1 >>> 11), l2)];
  },

  cost: () => ({ flops: 0 }),

  samples: [
    fold('the first step', 1, 1, 0),
    fold('a seed beyond 32 bits', 2 ** 40 + 7, 3, 5),
    fold('a late step, a negative index', 99, 2 ** 31 + 5, -3),
  ],
});

function fold(name: string, seed: number, step: number, index: number): OpSample {
  return { name, inputs: [RNG, tensorType('i32', INDEX.shape)], values: { 0: [seed, step], 1: [index] } };
}
