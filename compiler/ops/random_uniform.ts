/** Uniform random numbers: initial weights, noise. */
import { elementCount } from '../ir/types';
import { uniforms } from '../random/philox';
import { inputAt, numberAttr, requireArity } from './attributes';
import { defineOp, OpTypeError } from './define';
import { drawnType, RNG, streamOf } from './families/drawing';

export const random_uniform = defineOp({
  name: 'random_uniform',
  doc:
    'y = low + (high − low)·u with u in [0, 1) from 24 bits: element i takes lane i mod 4 of Philox block i div 4 of the ' +
    'stream. rng is (seed, step); y is f32 of the shape attribute.',
  inputs: ['rng'],
  outputs: ['y'],
  native: 'kernel',
  traits: { random: true },

  infer(inputs, attrs) {
    requireArity(inputs, 1);
    const low = numberAttr(attrs, 'low');
    const high = numberAttr(attrs, 'high');
    if (low > high) throw new OpTypeError(`attribute 'low' is ${low}, above 'high' ${high}`);
    return [drawnType(inputs, attrs, 4)];
  },

  evaluate(inputs, attrs, outputs) {
    const low = numberAttr(attrs, 'low');
    const high = numberAttr(attrs, 'high');
    const count = elementCount(inputAt(outputs, 0, 'output').shape);
    return [uniforms(count, streamOf(inputAt(inputs, 0, 'rng'), attrs)).map((u) => low + (high - low) * u)];
  },

  cost(_inputs, outputs) {
    return { flops: 12 * elementCount(inputAt(outputs, 0, 'output').shape) };
  },

  samples: [
    { name: 'unit', inputs: [RNG], attrs: { shape: [3, 5], low: 0, high: 1, stream: 7 }, values: { 0: [1, 0] } },
    {
      name: 'symmetric, last step',
      inputs: [RNG],
      attrs: { shape: [257], low: -0.25, high: 0.25, stream: 4294967295 },
      values: { 0: [2 ** 40 + 1, 100000] },
    },
    { name: 'one value', inputs: [RNG], attrs: { shape: [], low: 2, high: 3, stream: 0 }, values: { 0: [0, 1] } },
    {
      name: 'empty range',
      inputs: [RNG],
      attrs: { shape: [6], low: 1.5, high: 1.5, stream: 1 },
      values: { 0: [3, 1] },
    },
  ],
});
