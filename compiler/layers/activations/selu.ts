/** Self-normalizing exponential linear unit. */
import { defineActivation } from './elementwise';
import { eluOf } from './elu';

/** With these the activations of a deep network keep mean 0 and variance 1. */
const SCALE = 1.0507009873554805;
const ALPHA = 1.6732632423543772;

export const selu = defineActivation({
  type: 'selu',
  summary: '1.0507 · x where it is positive, 1.0507 · 1.6733 · (exp(x) − 1) elsewhere.',
  details: 'Klambauer et al. 2017; made for weights that start as `lecun_normal`.',
  apply: (_context, x, m) => m.mul(eluOf(m, x, ALPHA), SCALE),
});
