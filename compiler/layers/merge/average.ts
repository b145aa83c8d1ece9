/** Mean of tensors, element by element. */
import { MANY } from '../define';
import { defineMerge } from './merge';

export const average = defineMerge({
  type: 'average',
  arity: [2, MANY],
  summary: 'The mean of the inputs, element by element.',
  example: '{name: mean, type: average, inputs: [branch1, branch2]}',
  apply: (_context, inputs, m) =>
    m.mul(
      inputs.reduce((sofar, input) => m.add(sofar, input)),
      1 / inputs.length,
    ),
});
