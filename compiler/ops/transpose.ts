/** A permutation of axes. */
import type { Attrs } from '../ir/graph';
import { inputAt, integersAttr, requireArity } from './attributes';
import { defineOp, OpTypeError } from './define';
import { gather, stridedIndex, stridesOf } from './families/shapes';

export const transpose = defineOp({
  name: 'transpose',
  doc: 'Output axis i is input axis perm[i]. Gradient: g with the inverse permutation.',
  inputs: ['x'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true },
  infer: (inputs, attrs) => {
    requireArity(inputs, 1);
    const x = inputAt(inputs, 0, 'input');
    const perm = permOf(attrs, x.shape.length);
    return [{ dtype: x.dtype, shape: perm.map((axis) => x.shape[axis] ?? 1) }];
  },
  evaluate: ([x], attrs, [y]) => {
    if (!x || !y) return [];
    const strides = stridesOf(x.type.shape);
    const perm = permOf(attrs, strides.length);
    const positions = stridedIndex(
      y.shape,
      perm.map((axis) => strides[axis] ?? 0),
    );
    return [gather(x.data, positions)];
  },
  grad: ({ b, node, outputGrads: [g] }) => {
    if (!g) return [];
    const perm = permOf(node.attrs, g.type.shape.length);
    return [b.op('transpose', [g], { perm: perm.map((_, axis) => perm.indexOf(axis)) })];
  },
  cost: () => ({ flops: 0 }),
  samples: [
    { inputs: [{ dtype: 'f32', shape: [3, 5] }], attrs: { perm: [1, 0] } },
    { inputs: [{ dtype: 'f32', shape: [2, 3, 4, 5] }], attrs: { perm: [0, 2, 3, 1] } },
    { inputs: [{ dtype: 'f32', shape: [2, 3, 4] }], attrs: { perm: [2, 0, 1] } },
    { inputs: [{ dtype: 'f32', shape: [33, 35] }], attrs: { perm: [1, 0] } },
    { inputs: [{ dtype: 'i32', shape: [2, 3] }], attrs: { perm: [1, 0] }, range: [0, 9] },
    { inputs: [{ dtype: 'f32', shape: [] }], attrs: { perm: [] } },
    { inputs: [{ dtype: 'bf16', shape: [2, 5, 7, 35] }], attrs: { perm: [0, 3, 1, 2] }, wrt: [] },
    { inputs: [{ dtype: 'bf16', shape: [2, 35, 5, 7] }], attrs: { perm: [0, 2, 3, 1] }, wrt: [] },
    { inputs: [{ dtype: 'bf16', shape: [33, 35] }], attrs: { perm: [1, 0] }, wrt: [] },
    { inputs: [{ dtype: 'f32', shape: [2, 3, 17, 19] }], attrs: { perm: [0, 2, 3, 1] } },
    { inputs: [{ dtype: 'f32', shape: [2, 9, 7, 33] }], attrs: { perm: [0, 3, 1, 2] } },
  ],
});

function permOf(attrs: Attrs, rank: number): readonly number[] {
  const perm = integersAttr(attrs, 'perm', rank);
  const missing = perm.findIndex((_, axis) => !perm.includes(axis));
  if (missing >= 0) {
    throw new OpTypeError(
      `attribute 'perm' is [${perm.join(', ')}], but each axis must occur once and ${missing} does not`,
    );
  }
  return perm;
}
