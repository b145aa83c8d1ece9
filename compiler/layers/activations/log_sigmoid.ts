/** Logarithm of the logistic function. */
import { defineActivation } from './elementwise';

export const logSigmoid = defineActivation({
  type: 'log_sigmoid',
  summary: 'log(1 / (1 + exp(−x))).',
  details: 'Computed as min(x, 0) − log(1 + exp(−|x|)), which is finite for every x.',
  apply(_context, x, m) {
    const tail = m.op('log1p', m.exp(m.neg(m.op('abs', x))));
    return m.sub(m.op('minimum', x, 0), tail);
  },
});
