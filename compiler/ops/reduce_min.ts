/** The smallest along axes. */
import { defineOp } from './define';
import { attained, reduction } from './families/reduction';

export const reduce_min = defineOp(
  reduction({
    name: 'reduce_min',
    doc: 'y = min x over the axes; a NaN wins. Gradient: g to the elements that attain it, in equal parts.',
    start: Infinity,
    combine: Math.min,
    takesEmpty: false,
    separated: true,
    grad: attained,
  }),
);
