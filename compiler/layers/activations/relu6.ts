/** Rectifier with a ceiling of 6. */
import { defineActivation } from './elementwise';
import { hold } from './hold';

export const relu6 = defineActivation({
  type: 'relu6',
  summary: 'min(max(x, 0), 6), as in MobileNet.',
  details: 'Another ceiling is `hard_tanh` with `min: 0` and `max`.',
  range: [-3, 9],
  apply: (_context, x, m) => hold(m, x, 0, 6),
});
