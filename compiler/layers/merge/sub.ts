/** Difference of tensors, element by element. */
import { defineMerge } from './merge';

export const sub = defineMerge(
  'sub',
  [2, 2],
  'The first input minus the second, element by element.',
  '{name: difference, type: sub, inputs: [left, right]}',
);
