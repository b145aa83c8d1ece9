/** The identity between two bounds. */
import { numberOf } from '../fields';
import { defineActivation } from './elementwise';
import { hold } from './hold';

export const hardTanh = defineActivation({
  type: 'hard_tanh',
  summary: 'x, held between min and max.',
  details: 'At the bounds themselves the gradient is 0, as in PyTorch; for `clip` it is 1.',
  example: '{name: act1, type: hard_tanh, min: -1, max: 1}',
  fields: {
    min: { description: 'Lower bound.', type: 'number', default: -1 },
    max: { description: 'Upper bound.', type: 'number', default: 1 },
  },
  cases: [
    { min: -1, max: 1 },
    { min: -0.4, max: 2.1 },
  ],
  apply(context, x, m) {
    const { fields } = context;
    const [min, max] = [numberOf(fields, 'min'), numberOf(fields, 'max')];
    if (min >= max) context.fail(['min'], `min ${min} is not below max ${max}`);
    return hold(m, x, min, max);
  },
});
