/** The initializers that draw nothing: zeros, ones, constant. */
import { numberOf } from '../layers/fields';
import { defineInitializer } from './define';

export const zeros = defineInitializer({
  type: 'zeros',
  summary: 'Fills with 0: the default of biases.',
  example: '{type: zeros}',
  fields: {},
  lower: ({ b, shape }) => b.full(0, shape),
});

export const ones = defineInitializer({
  type: 'ones',
  summary: 'Fills with 1: the default of the scale of a normalization.',
  example: '{type: ones}',
  fields: {},
  lower: ({ b, shape }) => b.full(1, shape),
});

export const constant = defineInitializer({
  type: 'constant',
  summary: 'Fills with one value.',
  example: '{type: constant, value: 0.1}',
  fields: { value: { description: 'The value.', type: 'number' } },
  required: ['value'],
  lower: ({ b, shape, fields }) => b.full(numberOf(fields, 'value'), shape),
});
