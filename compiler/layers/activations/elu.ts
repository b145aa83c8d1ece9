/** Exponential linear unit. */
import { numberOf } from '../fields';
import { defineActivation } from './elementwise';

export const elu = defineActivation({
  type: 'elu',
  summary: 'x where it is positive, alpha · (exp(x) − 1) elsewhere.',
  example: '{name: act1, type: elu, alpha: 1}',
  fields: { alpha: { description: 'Where it levels off, below.', type: 'number', default: 1 } },
  apply({ b, fields }, x) {
    const zero = b.full(0);
    const isPositive = b.op('greater', [x, zero]);
    // The exponential sees only x ≤ 0: it can't overflow in the branch that is not taken and spoil the gradient.
    const curve = b.op('expm1', [b.op('where', [isPositive, zero, x])]);
    return b.op('where', [isPositive, x, b.op('mul', [curve, b.full(numberOf(fields, 'alpha'))])]);
  },
});
