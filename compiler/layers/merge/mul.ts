/** Product of tensors, element by element. */
import { MANY } from '../define';
import { defineMerge } from './merge';

export const mul = defineMerge({
  type: 'mul',
  arity: [2, MANY],
  summary: 'The product of the inputs, element by element.',
  example: '{name: gated, type: mul, inputs: [features, gate]}',
  integers: true,
});
