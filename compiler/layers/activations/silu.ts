/** Sigmoid-weighted linear unit. */
import { defineActivation } from './elementwise';

export const silu = defineActivation({
  type: 'silu',
  summary: 'x · sigmoid(x), also known as swish.',
  apply: ({ b }, x) => b.op('mul', [x, b.op('sigmoid', [x])]),
});
