/**
 * A sum that is carried on, kept apart from `add` so that no pass joins a chain of them and no addend waits: each is
 * free as soon as it has been added, which is the point of computing gradients in parts.
 */
import { elementCount, formatType, sameType, tensorType } from '../ir/types';
import { inputAt, requireArity, requireFloat } from './attributes';
import { defineOp, OpTypeError } from './define';

export const accumulate = defineOp({
  name: 'accumulate',
  doc: 'y = sum + x, of one type; y may take the place of sum. Gradients: g for both.',
  inputs: ['sum', 'x'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true, inPlace: [[0, 0]], prompt: true },

  infer(inputs) {
    requireArity(inputs, 2);
    const [sum, x] = [inputAt(inputs, 0, 'sum'), inputAt(inputs, 1, 'x')];
    requireFloat(sum, 'sum');
    if (!sameType(sum, x)) throw new OpTypeError(`sum is ${formatType(sum)} and x is ${formatType(x)}`);
    return [sum];
  },

  evaluate(inputs) {
    const [sum, x] = [inputAt(inputs, 0, 'sum'), inputAt(inputs, 1, 'x')];
    return [Float64Array.from(sum.data as ArrayLike<number>, (value, i) => value + (x.data[i] as number))];
  },

  grad({ outputGrads }) {
    const [g] = outputGrads;
    return [g, g];
  },

  cost(inputs) {
    return { flops: elementCount(inputAt(inputs, 0, 'sum').shape) };
  },

  samples: [
    { name: 'matrix', inputs: [tensorType('f32', [3, 7]), tensorType('f32', [3, 7])] },
    { name: 'scalar', inputs: [tensorType('f32', []), tensorType('f32', [])] },
    { name: 'several tasks', inputs: [tensorType('f32', [131, 77]), tensorType('f32', [131, 77])], wrt: [] },
  ],
});
