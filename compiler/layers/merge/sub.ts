/** Difference of tensors, element by element. */
import { defineMerge } from './merge';

export const sub = defineMerge({
  type: 'sub',
  arity: [2, 2],
  summary: 'The first input minus the second, element by element.',
  example: '{name: difference, type: sub, inputs: [left, right]}',
  integers: true,
});
