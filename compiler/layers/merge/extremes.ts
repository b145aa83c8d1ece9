/** The larger and the smaller of tensors, element by element. */
import { MANY } from '../define';
import { defineMerge } from './merge';

export const maximum = defineMerge({
  type: 'maximum',
  arity: [2, MANY],
  summary: 'The largest of the inputs, element by element.',
  details: 'Where two are equal each gets half of the gradient, as in PyTorch; in Caffe the first gets all of it.',
  example: '{name: larger, type: maximum, inputs: [branch1, branch2]}',
  integers: true,
});

export const minimum = defineMerge({
  type: 'minimum',
  arity: [2, MANY],
  summary: 'The smallest of the inputs, element by element.',
  details: 'Where two are equal each gets half of the gradient.',
  example: '{name: smaller, type: minimum, inputs: [branch1, branch2]}',
  integers: true,
});
