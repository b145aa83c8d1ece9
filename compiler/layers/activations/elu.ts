/** Exponential linear unit. */
import type { Value } from '../../ir/graph';
import type { Arithmetic } from '../../ops/families/arithmetic';
import { numberOf } from '../fields';
import { defineActivation } from './elementwise';

export function eluOf(m: Arithmetic, x: Value, alpha: number): Value {
  const isPositive = m.greater(x, 0);
  // The exponential sees only x ≤ 0: it can't overflow in the branch that is not taken and spoil the gradient.
  const curve = m.op('expm1', m.where(isPositive, 0, x));
  return m.where(isPositive, x, m.mul(curve, alpha));
}

export const elu = defineActivation({
  type: 'elu',
  summary: 'x where it is positive, alpha · (exp(x) − 1) elsewhere.',
  details: 'Clevert et al. 2016.',
  example: '{name: act1, type: elu, alpha: 1}',
  fields: { alpha: { description: 'Where it levels off, below.', type: 'number', default: 1 } },
  cases: [{ alpha: 1 }, { alpha: 1.5 }],
  apply: ({ fields }, x, m) => eluOf(m, x, numberOf(fields, 'alpha')),
});
