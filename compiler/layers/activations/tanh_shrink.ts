/** What the hyperbolic tangent leaves of x. */
import { defineActivation } from './elementwise';

export const tanhShrink = defineActivation({
  type: 'tanh_shrink',
  summary: 'x − tanh(x).',
  apply: (_context, x, m) => m.sub(x, m.op('tanh', x)),
});
