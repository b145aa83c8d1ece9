/** The logistic function. */
import { defineActivation } from './elementwise';

export const sigmoid = defineActivation({
  type: 'sigmoid',
  summary: '1 / (1 + exp(−x)).',
  apply: ({ b }, x) => b.op('sigmoid', [x]),
});
