/** The initializers that draw nothing: zeros, ones, constant. Broadcast, so that the plan need not carry whole tensors of one number. */
import { numberOf } from '../layers/fields';
import type { Value } from '../ir/graph';
import { defineInitializer } from './define';
import type { InitContext } from './define';

export function fill({ b, shape }: Pick<InitContext, 'b' | 'shape'>, value: number): Value {
  return b.op('broadcast_to', [b.full(value)], { shape });
}

export const zeros = defineInitializer({
  type: 'zeros',
  summary: 'Fills with 0: the default of biases.',
  example: '{type: zeros}',
  fields: {},
  lower: (context) => fill(context, 0),
});

export const ones = defineInitializer({
  type: 'ones',
  summary: 'Fills with 1: the default of the scale of a normalization.',
  example: '{type: ones}',
  fields: {},
  lower: (context) => fill(context, 1),
});

export const constant = defineInitializer({
  type: 'constant',
  summary: 'Fills with one value.',
  example: '{type: constant, value: 0.1}',
  fields: { value: { description: 'The value.', type: 'number' } },
  required: ['value'],
  lower: (context) => fill(context, numberOf(context.fields, 'value')),
});
