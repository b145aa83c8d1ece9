/** A rectangular part, with strides. */
import type { Attrs } from '../ir/graph';
import { inputAt, integersAttr, requireArity } from './attributes';
import { defineOp, OpTypeError } from './define';
import { gather, stridedIndex, stridesOf } from './families/shapes';

export const slice = defineOp({
  name: 'slice',
  doc:
    'y[i] = x[starts + i · strides] up to limits, which are exclusive; strides ≥ 1. Gradient: g spread out again, ' +
    'zero elsewhere (a pad).',
  inputs: ['x'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true },
  infer: (inputs, attrs) => {
    requireArity(inputs, 1);
    const x = inputAt(inputs, 0, 'input');
    const { starts, limits, strides } = boundsOf(attrs, x.shape.length);
    const shape = x.shape.map((extent, axis) => {
      const [start = 0, limit = 0, stride = 1] = [starts[axis], limits[axis], strides[axis]];
      if (start > limit || limit > extent) {
        throw new OpTypeError(`the range ${start}..${limit} of axis ${axis} is not inside its extent, ${extent}`);
      }
      return Math.ceil((limit - start) / stride);
    });
    return [{ dtype: x.dtype, shape }];
  },
  evaluate: ([x], attrs, [y]) => {
    if (!x || !y) return [];
    const own = stridesOf(x.type.shape);
    const { starts, strides } = boundsOf(attrs, own.length);
    const offset = own.reduce((sum, stride, axis) => sum + stride * (starts[axis] ?? 0), 0);
    const steps = own.map((stride, axis) => stride * (strides[axis] ?? 1));
    return [gather(x.data, stridedIndex(y.shape, steps, offset))];
  },
  grad: ({ b, node, outputGrads: [g] }) => {
    const [x] = node.inputs;
    if (!g || !x) return [];
    const { starts, strides } = boundsOf(node.attrs, x.type.shape.length);
    const interior = strides.map((stride) => stride - 1);
    const high = x.type.shape.map((extent, axis) => {
      const count = g.type.shape[axis] ?? 0;
      const covered = count > 0 ? (count - 1) * (strides[axis] ?? 1) + 1 : 0;
      return extent - (starts[axis] ?? 0) - covered;
    });
    return [b.op('pad', [g], { low: starts, high, interior, value: 0 })];
  },
  cost: () => ({ flops: 0 }),
  samples: [
    { inputs: [{ dtype: 'f32', shape: [7] }], attrs: { starts: [1], limits: [6], strides: [1] } },
    { inputs: [{ dtype: 'f32', shape: [7] }], attrs: { starts: [1], limits: [7], strides: [3] } },
    {
      inputs: [{ dtype: 'f32', shape: [4, 5, 6] }],
      attrs: { starts: [0, 2, 1], limits: [4, 5, 6], strides: [1, 2, 3] },
    },
    { inputs: [{ dtype: 'f32', shape: [3, 9] }], attrs: { starts: [0, 4], limits: [3, 9], strides: [1, 1] } },
    {
      inputs: [{ dtype: 'i32', shape: [4, 4] }],
      attrs: { starts: [2, 0], limits: [4, 4], strides: [1, 1] },
      range: [0, 9],
    },
    {
      inputs: [{ dtype: 'bf16', shape: [4, 5, 35] }],
      attrs: { starts: [0, 2, 1], limits: [4, 5, 34], strides: [1, 2, 1] },
      wrt: [],
    },
    {
      inputs: [{ dtype: 'bf16', shape: [4, 35] }],
      attrs: { starts: [1, 2], limits: [4, 33], strides: [1, 3] },
      wrt: [],
    },
  ],
});

function boundsOf(attrs: Attrs, rank: number) {
  return {
    starts: integersAttr(attrs, 'starts', rank, 0),
    limits: integersAttr(attrs, 'limits', rank, 0),
    strides: integersAttr(attrs, 'strides', rank, 1),
  };
}
