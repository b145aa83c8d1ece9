/** The Euclidean norm of a whole tensor, without a tensor of squares. */
import { elementCount, tensorType } from '../ir/types';
import { inputAt, requireArity, requireFloat } from './attributes';
import { defineOp } from './define';
import { Arithmetic } from './families/arithmetic';

/** Elements whose squares are summed by one task. */
const CHUNK = 32768;

export const norm = defineOp({
  name: 'norm',
  doc: 'y = √(Σ x²), a scalar; summed in double, in a fixed order. Gradient: g · x / y, 0 where y is 0.',
  inputs: ['x'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true },

  infer(inputs) {
    requireArity(inputs, 1);
    const x = inputAt(inputs, 0, 'input');
    requireFloat(x, 'input');
    return [tensorType(x.dtype, [])];
  },

  evaluate(inputs) {
    let sum = 0;
    for (const value of inputAt(inputs, 0, 'input').data as ArrayLike<number> & Iterable<number>) sum += value * value;
    return [Float64Array.of(Math.sqrt(sum))];
  },

  grad({ b, node, outputGrads }) {
    const [g] = outputGrads;
    const [x] = node.inputs;
    const [y] = node.outputs;
    if (!g || !x || !y) return [];
    const m = new Arithmetic(b, x.type.dtype);
    const isZero = b.op('equal', [y, m.value(0)]);
    // The branch that is not taken must be harmless too.
    const safe = b.op('where', [isZero, m.value(1), y]);
    return [m.mul(x, b.op('where', [isZero, m.value(0), m.div(g, safe)]))];
  },

  cost(inputs) {
    return { flops: 2 * elementCount(inputAt(inputs, 0, 'input').shape) };
  },

  workspace(inputs) {
    return 8 * Math.ceil(elementCount(inputAt(inputs, 0, 'input').shape) / CHUNK);
  },

  samples: [
    { name: 'matrix', inputs: [tensorType('f32', [3, 7])] },
    { name: 'scalar', inputs: [tensorType('f32', [])], range: [0.5, 1] },
    { name: 'several tasks', inputs: [tensorType('f32', [257, 259])], wrt: [] },
    { name: 'zeros', inputs: [tensorType('f32', [5])], values: [[0, 0, 0, 0, 0]], wrt: [] },
  ],
});
