/** A value that gradients do not pass. */
import { inputAt, requireArity } from './attributes';
import { defineOp } from './define';

export const stop_gradient = defineOp({
  name: 'stop_gradient',
  doc: 'y = x. Gradient: none, whatever comes before it.',
  inputs: ['x'],
  outputs: ['y'],
  native: 'none',
  traits: { view: true, foldable: true, stopsGradient: true },
  infer(inputs) {
    requireArity(inputs, 1);
    return [inputAt(inputs, 0, 'input')];
  },
  evaluate: (inputs) => [inputAt(inputs, 0, 'input').data.slice()],
  cost: () => ({ flops: 0 }),
  samples: [
    // The point of it is that its gradient is not its derivative.
    { inputs: [{ dtype: 'f32', shape: [2, 3] }], wrt: [] },
    { inputs: [{ dtype: 'i32', shape: [5] }], range: [0, 9] },
  ],
});
