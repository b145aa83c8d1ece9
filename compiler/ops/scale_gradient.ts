/** A value whose gradient is multiplied on its way back. */
import { inputAt, numberAttr, requireArity, requireFloat } from './attributes';
import { defineOp } from './define';
import { Arithmetic } from './families/arithmetic';

export const scale_gradient = defineOp({
  name: 'scale_gradient',
  doc: 'y = x. Gradient: factor · g; a negative factor reverses it.',
  inputs: ['x'],
  outputs: ['y'],
  native: 'none',
  traits: { view: true, foldable: true },
  infer(inputs, attrs) {
    requireArity(inputs, 1);
    const x = inputAt(inputs, 0, 'input');
    requireFloat(x, 'input');
    numberAttr(attrs, 'factor');
    return [x];
  },
  evaluate: (inputs) => [inputAt(inputs, 0, 'input').data.slice()],
  grad: ({ b, node, outputGrads: [g] }) =>
    g ? [new Arithmetic(b, g.type.dtype).mul(g, numberAttr(node.attrs, 'factor'))] : [],
  cost: () => ({ flops: 0 }),
  samples: [
    { inputs: [{ dtype: 'f32', shape: [2, 3] }], attrs: { factor: 1 } },
    // The point of it is that its gradient is not its derivative.
    { inputs: [{ dtype: 'f32', shape: [5] }], attrs: { factor: -0.5 }, wrt: [] },
  ],
});
