/** Quotient of tensors, element by element. */
import { defineMerge } from './merge';

export const div = defineMerge({
  type: 'div',
  arity: [2, 2],
  summary: 'The first input divided by the second, element by element.',
  example: '{name: ratio, type: div, inputs: [left, right]}',
});
