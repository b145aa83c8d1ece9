/** A border, and gaps between neighbours, filled with one value. */
import type { Attrs } from '../ir/graph';
import { elementCount } from '../ir/types';
import { inputAt, integersAttr, numberAttr, requireArity } from './attributes';
import { defineOp } from './define';
import { stridedIndex, stridesOf } from './families/shapes';

export const pad = defineOp({
  name: 'pad',
  doc:
    'Puts `low` elements of `value` before, `high` after and `interior` between neighbours along each axis; all ≥ 0. ' +
    'Gradient: the slice of g where x lies.',
  inputs: ['x'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true },
  infer: (inputs, attrs) => {
    requireArity(inputs, 1);
    const x = inputAt(inputs, 0, 'input');
    const { low, high, interior } = paddingOf(attrs, x.shape.length);
    numberAttr(attrs, 'value');
    const shape = x.shape.map(
      (extent, axis) => (low[axis] ?? 0) + spread(extent, interior[axis] ?? 0) + (high[axis] ?? 0),
    );
    return [{ dtype: x.dtype, shape }];
  },
  evaluate: ([x], attrs, [y]) => {
    if (!x || !y) return [];
    const own = stridesOf(y.shape);
    const { low, interior } = paddingOf(attrs, own.length);
    const offset = own.reduce((sum, stride, axis) => sum + stride * (low[axis] ?? 0), 0);
    const steps = own.map((stride, axis) => stride * ((interior[axis] ?? 0) + 1));
    const result = new Float64Array(elementCount(y.shape)).fill(numberAttr(attrs, 'value'));
    stridedIndex(x.type.shape, steps, offset).forEach((position, i) => {
      result[position] = x.data[i] ?? 0;
    });
    return [result];
  },
  grad: ({ b, node, outputGrads: [g] }) => {
    const [x] = node.inputs;
    if (!g || !x) return [];
    const { low, interior } = paddingOf(node.attrs, x.type.shape.length);
    const limits = x.type.shape.map((extent, axis) => (low[axis] ?? 0) + spread(extent, interior[axis] ?? 0));
    return [b.op('slice', [g], { starts: low, limits, strides: interior.map((gap) => gap + 1) })];
  },
  cost: () => ({ flops: 0 }),
  samples: [
    { inputs: [{ dtype: 'f32', shape: [3] }], attrs: { low: [2], high: [1], interior: [0], value: 0.5 } },
    { inputs: [{ dtype: 'f32', shape: [2, 3] }], attrs: { low: [0, 1], high: [2, 0], interior: [2, 1], value: 0 } },
    {
      inputs: [{ dtype: 'f32', shape: [2, 3, 5, 5] }],
      attrs: { low: [0, 0, 1, 2], high: [0, 0, 2, 1], interior: [0, 0, 0, 0], value: -1 },
    },
    { inputs: [{ dtype: 'i32', shape: [3] }], attrs: { low: [1], high: [1], interior: [1], value: 7 }, range: [0, 9] },
    {
      inputs: [{ dtype: 'bf16', shape: [2, 5, 5, 19] }],
      attrs: { low: [0, 1, 2, 0], high: [0, 2, 1, 0], interior: [0, 0, 0, 0], value: -1 },
      wrt: [],
    },
    {
      inputs: [{ dtype: 'bf16', shape: [2, 3] }],
      attrs: { low: [0, 1], high: [2, 0], interior: [2, 1], value: 0.3 },
      wrt: [],
    },
  ],
});

function paddingOf(attrs: Attrs, rank: number) {
  return {
    low: integersAttr(attrs, 'low', rank, 0),
    high: integersAttr(attrs, 'high', rank, 0),
    interior: integersAttr(attrs, 'interior', rank, 0),
  };
}

/** The extent once gaps have been put between neighbours. */
function spread(extent: number, gap: number): number {
  return extent > 0 ? extent + (extent - 1) * gap : 0;
}
