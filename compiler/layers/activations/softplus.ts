/** Smooth rectifier. */
import type { Value } from '../../ir/graph';
import type { Arithmetic } from '../../ops/families/arithmetic';
import { numberOf } from '../fields';
import { defineActivation } from './elementwise';

/** log(1 + exp(x)) as max(x, 0) + log(1 + exp(−|x|)), which neither overflows nor loses small results. */
export function softplusOf(m: Arithmetic, x: Value): Value {
  const tail = m.op('log1p', m.exp(m.neg(m.op('abs', x))));
  return m.add(m.op('maximum', x, 0), tail);
}

export const softplus = defineActivation({
  type: 'softplus',
  summary: 'log(1 + exp(beta · x)) / beta, a smooth relu.',
  details:
    'Computed as max(x, 0) + log(1 + exp(−|x|)), which neither overflows nor loses small results; PyTorch switches to x above a threshold instead.',
  example: '{name: rate, type: softplus}',
  fields: {
    beta: {
      description: 'Sharpness of the bend: the larger, the closer to relu.',
      type: 'number',
      exclusiveMinimum: 0,
      default: 1,
    },
  },
  cases: [{}, { beta: 2.5 }],
  apply({ fields }, x, m) {
    const beta = numberOf(fields, 'beta');
    return beta === 1 ? softplusOf(m, x) : m.div(softplusOf(m, m.mul(x, beta)), beta);
  },
});
