/** Rectifier. */
import { defineActivation } from './elementwise';

export const relu = defineActivation({
  type: 'relu',
  summary: 'max(x, 0).',
  apply: ({ b }, x) => b.op('relu', [x]),
});
