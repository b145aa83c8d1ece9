/** Swish with a hard sigmoid. */
import { defineActivation } from './elementwise';
import { hold } from './hold';

export const hardSwish = defineActivation({
  type: 'hard_swish',
  summary: 'x · min(max(x / 6 + 0.5, 0), 1), as in MobileNetV3.',
  details: 'Howard et al. 2019. Keras calls it `hard_silu` too.',
  apply: (_context, x, m) => m.mul(x, hold(m, m.add(m.mul(x, 1 / 6), 0.5), 0, 1)),
});
