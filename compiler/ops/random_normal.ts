/** Normal random numbers, plain or truncated at two standard deviations. */
import { elementCount } from '../ir/types';
import { normals } from '../random/philox';
import { booleanAttr, inputAt, numberAttr, requireArity } from './attributes';
import { defineOp, OpTypeError } from './define';
import { drawnType, RNG, streamOf } from './families/drawing';

export const random_normal = defineOp({
  name: 'random_normal',
  doc:
    'y = mean + std·z with z = √(−2 ln u)·cos(2πv) (Box and Muller): element i takes u in (0, 1] and v in [0, 1) from ' +
    'lanes 0 and 1 of Philox block i of the stream; truncated draws the block of the next attempt until |z| ≤ 2. ' +
    'rng is (seed, step); y is f32 of the shape attribute.',
  inputs: ['rng'],
  outputs: ['y'],
  native: 'kernel',
  traits: { random: true },

  infer(inputs, attrs) {
    requireArity(inputs, 1);
    numberAttr(attrs, 'mean');
    const std = numberAttr(attrs, 'std');
    if (std < 0) throw new OpTypeError(`attribute 'std' is ${std}, expected at least 0`);
    booleanAttr(attrs, 'truncated');
    return [drawnType(inputs, attrs, 1)];
  },

  evaluate(inputs, attrs, outputs) {
    const mean = numberAttr(attrs, 'mean');
    const std = numberAttr(attrs, 'std');
    const count = elementCount(inputAt(outputs, 0, 'output').shape);
    const stream = streamOf(inputAt(inputs, 0, 'rng'), attrs);
    return [normals(count, stream, booleanAttr(attrs, 'truncated')).map((z) => mean + std * z)];
  },

  cost(_inputs, outputs) {
    return { flops: 70 * elementCount(inputAt(outputs, 0, 'output').shape) };
  },

  samples: [
    {
      name: 'standard',
      inputs: [RNG],
      attrs: { shape: [7, 9], mean: 0, std: 1, stream: 7, truncated: false },
      values: { 0: [1, 0] },
    },
    {
      name: 'truncated',
      inputs: [RNG],
      attrs: { shape: [300], mean: 0, std: 0.05, stream: 99, truncated: true },
      values: { 0: [12, 0] },
    },
    {
      name: 'shifted, seed beyond 32 bits',
      inputs: [RNG],
      attrs: { shape: [2, 3, 3], mean: 4, std: 0.5, stream: 4294967295, truncated: false },
      values: { 0: [2 ** 45 + 3, 77] },
    },
    {
      name: 'no spread',
      inputs: [RNG],
      attrs: { shape: [5], mean: -1, std: 0, stream: 0, truncated: true },
      values: { 0: [0, 1] },
    },
  ],
});
