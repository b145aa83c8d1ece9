/** A smooth relative of silu. */
import { defineActivation } from './elementwise';
import { softplusOf } from './softplus';

export const mish = defineActivation({
  type: 'mish',
  summary: 'x · tanh(softplus(x)).',
  details: 'Misra 2019.',
  apply: (_context, x, m) => m.mul(x, m.op('tanh', softplusOf(m, x))),
});
