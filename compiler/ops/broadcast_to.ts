/** NumPy broadcasting made explicit. */
import { inputAt, integersAttr, requireArity } from './attributes';
import { sameShape } from '../ir/types';
import { defineOp, OpTypeError } from './define';
import { unbroadcast } from './families/arithmetic';
import { broadcastIndex, broadcastPair, formatShape, gather } from './families/shapes';

export const broadcast_to = defineOp({
  name: 'broadcast_to',
  doc: 'y = x, repeated along new axes on the left and along axes of extent 1. Gradient: the sum of g over them.',
  inputs: ['x'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true },
  infer: (inputs, attrs) => {
    requireArity(inputs, 1);
    const x = inputAt(inputs, 0, 'input');
    const shape = integersAttr(attrs, 'shape', undefined, 0);
    const common = broadcastPair(x.shape, shape);
    if (!common || !sameShape(common, shape)) {
      throw new OpTypeError(`${formatShape(x.shape)} does not broadcast to ${formatShape(shape)}`);
    }
    return [{ dtype: x.dtype, shape }];
  },
  evaluate: ([x], _attrs, [y]) => (x && y ? [gather(x.data, broadcastIndex(x.type.shape, y.shape))] : []),
  grad: ({ b, node, outputGrads: [g] }) => {
    const [x] = node.inputs;
    return [g && x && unbroadcast(b, g, x.type.shape)];
  },
  cost: () => ({ flops: 0 }),
  samples: [
    { inputs: [{ dtype: 'f32', shape: [] }], attrs: { shape: [2, 3] } },
    { inputs: [{ dtype: 'f32', shape: [3] }], attrs: { shape: [2, 3] } },
    { inputs: [{ dtype: 'f32', shape: [2, 1, 3] }], attrs: { shape: [4, 2, 5, 3] } },
    { inputs: [{ dtype: 'f32', shape: [2, 3] }], attrs: { shape: [2, 3] } },
    { inputs: [{ dtype: 'i32', shape: [1, 3] }], attrs: { shape: [2, 3] }, range: [0, 9] },
    { inputs: [{ dtype: 'bf16', shape: [2, 1, 35] }], attrs: { shape: [2, 3, 35] }, wrt: [] },
    { inputs: [{ dtype: 'bf16', shape: [] }], attrs: { shape: [5, 7] }, wrt: [] },
  ],
});
