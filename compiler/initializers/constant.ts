/**
 * The initializers that draw nothing: zeros, ones, constant. One number is broadcast, so that the plan need not carry
 * whole tensors of it.
 */
import { isNumbers, numberOf } from '../layers/fields';
import type { Value } from '../ir/graph';
import { elementCount } from '../ir/types';
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
  summary: 'Fills with one value, or with the values of a list.',
  details: 'A list has the values of the whole tensor in row-major order: the last axis runs fastest.',
  example: '{type: constant, value: 0.1}',
  fields: {
    value: {
      description: 'One number, or as many as there are elements.',
      anyOf: [{ type: 'number' }, { type: 'array', items: { type: 'number' }, minItems: 1 }],
    },
  },
  required: ['value'],
  lower(context) {
    const { b, fields, shape, fail } = context;
    const { value } = fields;
    if (!isNumbers(value)) return fill(context, numberOf(fields, 'value'));
    const count = elementCount(shape);
    if (value.length !== count) fail(`has ${value.length} values for a tensor of ${count}, [${shape.join(', ')}]`);
    return b.constant(value, shape);
  },
});
