/** The soft sign, a cheaper tanh with heavier tails. */
import { defineActivation } from './elementwise';

export const softsign = defineActivation({
  type: 'softsign',
  summary: 'x / (1 + |x|).',
  apply: (_context, x, m) => m.div(x, m.add(m.op('abs', x), 1)),
});
