/** Hyperbolic tangent. */
import { defineActivation } from './elementwise';

export const tanh = defineActivation({
  type: 'tanh',
  summary: 'The hyperbolic tangent.',
  apply: ({ b }, x) => b.op('tanh', [x]),
});
