/** A value whose gradient is held within bounds on its way back. */
import { inputAt, numberAttr, requireArity, requireFloat } from './attributes';
import { defineOp, OpTypeError } from './define';
import { Arithmetic } from './families/arithmetic';

export const clip_gradient = defineOp({
  name: 'clip_gradient',
  doc: 'y = x. Gradient: min(max(g, −value), value), element by element.',
  inputs: ['x'],
  outputs: ['y'],
  native: 'none',
  traits: { view: true, foldable: true },
  infer(inputs, attrs) {
    requireArity(inputs, 1);
    const x = inputAt(inputs, 0, 'input');
    requireFloat(x, 'input');
    const value = numberAttr(attrs, 'value');
    if (!(value > 0)) throw new OpTypeError(`attribute 'value' is ${value}, expected a number above 0`);
    return [x];
  },
  evaluate: (inputs) => [inputAt(inputs, 0, 'input').data.slice()],
  grad: ({ b, node, outputGrads: [g] }) => {
    if (!g) return [];
    const m = new Arithmetic(b, g.type.dtype);
    const value = numberAttr(node.attrs, 'value');
    return [m.minimum(m.maximum(g, -value), value)];
  },
  cost: () => ({ flops: 0 }),
  samples: [
    { inputs: [{ dtype: 'f32', shape: [2, 3] }], attrs: { value: 1e6 } },
    // The point of it is that its gradient is not its derivative.
    { inputs: [{ dtype: 'f32', shape: [5] }], attrs: { value: 0.01 }, wrt: [] },
  ],
});
