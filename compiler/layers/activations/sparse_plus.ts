/** A rectifier that bends as a parabola. */
import { defineActivation } from './elementwise';
import { hold } from './hold';

export const sparsePlus = defineActivation({
  type: 'sparse_plus',
  summary: '0 up to −1, (x + 1)² / 4 up to 1, x from there on.',
  details: 'The integral of `sparse_sigmoid` (Keras).',
  apply(_context, x, m) {
    // The parabola sees only what lies on it: its square can't overflow elsewhere.
    const parabola = m.mul(m.square(m.add(hold(m, x, -1, 1), 1)), 0.25);
    return m.where(m.greaterEqual(x, 1), x, parabola);
  },
});
