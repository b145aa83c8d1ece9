/** Sums along axes. */
import { sameShape } from '../ir/types';
import { defineOp } from './define';
import { reduction } from './families/reduction';

export const reduce_sum = defineOp(
  reduction({
    name: 'reduce_sum',
    doc: 'y = Σ x over the axes; 0 over nothing. The order of additions is a fixed tree. Gradient: g, broadcast.',
    start: 0,
    combine: (sum, x) => sum + x,
    takesEmpty: true,
    grad: ({ b }, x, g) =>
      sameShape(g.type.shape, x.type.shape) ? g : b.op('broadcast_to', [g], { shape: x.type.shape }),
  }),
);
