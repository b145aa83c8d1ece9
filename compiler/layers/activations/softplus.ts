/** Smooth rectifier. */
import { defineActivation } from './elementwise';

export const softplus = defineActivation({
  type: 'softplus',
  summary: 'log(1 + exp(x)), a smooth relu.',
  details: 'Computed as max(x, 0) + log(1 + exp(−|x|)), which neither overflows nor loses small results.',
  apply({ b }, x) {
    const tail = b.op('log1p', [b.op('exp', [b.op('neg', [b.op('abs', [x])])])]);
    return b.op('add', [b.op('maximum', [x, b.full(0)]), tail]);
  },
});
