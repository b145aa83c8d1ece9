/** Sum of tensors, element by element. */
import { MANY } from '../define';
import { defineMerge } from './merge';

export const add = defineMerge(
  'add',
  [2, MANY],
  'The sum of the inputs, element by element.',
  '{name: sum, type: add, inputs: [bn2, skip], activation: relu}',
);
