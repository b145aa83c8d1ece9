/** The product along axes. */
import type { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';
import { elementCount } from '../ir/types';
import { integersAttr } from './attributes';
import { defineOp } from './define';
import { reshapeTo } from './families/arithmetic';
import { reduction } from './families/reduction';

export const reduce_prod = defineOp(
  reduction({
    name: 'reduce_prod',
    doc:
      'y = Π x over the axes. Gradient, without a division, so that zeros are like any number: g times the product of ' +
      'the elements before and the product of those after each.',
    start: 1,
    combine: (product, x) => product * x,
    takesEmpty: true,
    range: [0.9, 1.15],
    grad: ({ b, node }, x, g) => b.op('mul', [g, others(b, x, integersAttr(node.attrs, 'axes'))]),
  }),
);

/** For each element, the product of the others that are reduced with it. */
function others(b: Builder, x: Value, axes: readonly number[]): Value {
  const { shape } = x.type;
  const kept = shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
  const perm = [...kept, ...axes];
  const extents = (list: readonly number[]): number[] => list.map((axis) => shape[axis] ?? 1);
  const inOrder = perm.every((axis, i) => axis === i);
  const moved = inOrder ? x : b.op('transpose', [x], { perm });
  const lines = reshapeTo(b, moved, [elementCount(extents(kept)), elementCount(extents(axes))]);
  const before = b.op('cumprod', [lines], { axis: 1, exclusive: true, reverse: false });
  const after = b.op('cumprod', [lines], { axis: 1, exclusive: true, reverse: true });
  const product = reshapeTo(b, b.op('mul', [before, after]), extents(perm));
  const back = perm.map((_, axis) => perm.indexOf(axis));
  return inOrder ? product : b.op('transpose', [product], { perm: back });
}
