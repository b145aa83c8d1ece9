/** Inverted dropout: what is kept is scaled up, so that nothing is to be done at prediction. */
import { elementCount, tensorType } from '../ir/types';
import { uniforms } from '../random/philox';
import { inputAt, numberAttr, requireArity, requireFloat } from './attributes';
import type { OpSample } from './define';
import { defineOp, OpTypeError } from './define';
import { withBfloat16 } from './families/images-samples';
import { requireDrawable, requireRng, RNG, streamOf } from './families/drawing';

function sample(name: string, shape: readonly number[], rate: number, seed: number, step: number): OpSample {
  return { name, inputs: [tensorType('f32', shape), RNG], attrs: { rate, stream: 12345 }, values: { 1: [seed, step] } };
}

export const dropout = defineOp({
  name: 'dropout',
  doc:
    'y = x / (1 − rate) where the uniform draw of the element is ≥ rate, else 0. rng is (seed, step); element i takes ' +
    'lane i mod 4 of Philox block i div 4 of the stream. The gradient is the same dropout of dy: the mask is drawn again. ' +
    'Srivastava et al., "Dropout" (2014).',
  inputs: ['x', 'rng'],
  outputs: ['y'],
  native: 'kernel',
  traits: { random: true, inPlace: [[0, 0]] },

  infer(inputs, attrs) {
    requireArity(inputs, 2);
    const x = inputAt(inputs, 0, 'input');
    requireFloat(x, 'input');
    requireRng(inputAt(inputs, 1, 'rng'), attrs);
    requireDrawable(x.shape, 4);
    const rate = numberAttr(attrs, 'rate');
    if (rate < 0 || rate >= 1) throw new OpTypeError(`attribute 'rate' is ${rate}, expected at least 0 and below 1`);
    return [x];
  },

  evaluate(inputs, attrs) {
    const x = inputAt(inputs, 0, 'input').data;
    const rate = numberAttr(attrs, 'rate');
    const draws = uniforms(x.length, streamOf(inputAt(inputs, 1, 'rng'), attrs));
    return [x.map((value, i) => ((draws[i] as number) >= rate ? value / (1 - rate) : 0))];
  },

  grad({ b, node, outputGrads }) {
    const rng = node.inputs[1];
    const [dy] = outputGrads;
    if (!rng || !dy) return [];
    return [b.op('dropout', [dy, rng], node.attrs)];
  },

  cost(inputs) {
    return { flops: 12 * elementCount(inputAt(inputs, 0, 'input').shape) };
  },

  samples: [
    sample('half', [4, 10], 0.5, 1, 1),
    sample('few', [2, 3, 5, 7], 0.1, 99, 1234),
    sample('none', [13], 0, 5, 2),
    sample('nearly all, seed beyond 32 bits', [1, 257], 0.9, 2 ** 40 + 7, 3),
    sample('one element', [1], 0.3, 0, 0),
    withBfloat16(sample('few', [2, 3, 5, 7], 0.1, 99, 1234), [0]),
  ],
});
