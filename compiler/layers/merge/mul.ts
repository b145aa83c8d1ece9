/** Product of tensors, element by element. */
import { MANY } from '../define';
import { defineMerge } from './merge';

export const mul = defineMerge(
  'mul',
  [2, MANY],
  'The product of the inputs, element by element.',
  '{name: gated, type: mul, inputs: [features, gate]}',
);
