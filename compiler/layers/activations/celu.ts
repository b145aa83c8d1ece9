/** Continuously differentiable exponential linear unit. */
import { numberOf } from '../fields';
import { defineActivation } from './elementwise';

export const celu = defineActivation({
  type: 'celu',
  summary: 'x where it is positive, alpha · (exp(x / alpha) − 1) elsewhere.',
  details: 'Unlike `elu` it has slope 1 at 0 for every alpha (Barron 2017).',
  example: '{name: act1, type: celu, alpha: 1}',
  fields: {
    alpha: {
      description: 'Where it levels off, below, and how slowly.',
      type: 'number',
      exclusiveMinimum: 0,
      default: 1,
    },
  },
  cases: [{ alpha: 1 }, { alpha: 0.7 }],
  apply({ fields }, x, m) {
    const alpha = numberOf(fields, 'alpha');
    const isPositive = m.greater(x, 0);
    const curve = m.op('expm1', m.div(m.where(isPositive, 0, x), alpha));
    return m.where(isPositive, x, m.mul(curve, alpha));
  },
});
