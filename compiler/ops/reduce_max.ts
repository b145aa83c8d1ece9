/** The largest along axes. */
import { defineOp } from './define';
import { attained, reduction } from './families/reduction';

export const reduce_max = defineOp(
  reduction({
    name: 'reduce_max',
    doc: 'y = max x over the axes; a NaN wins. Gradient: g to the elements that attain it, in equal parts.',
    start: -Infinity,
    combine: Math.max,
    takesEmpty: false,
    separated: true,
    grad: attained,
  }),
);
