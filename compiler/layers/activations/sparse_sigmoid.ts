/** The derivative of sparse_plus. */
import { defineActivation } from './elementwise';
import { hold } from './hold';

export const sparseSigmoid = defineActivation({
  type: 'sparse_sigmoid',
  summary: '(x + 1) / 2, held between 0 and 1.',
  apply: (_context, x, m) => hold(m, m.mul(m.add(x, 1), 0.5), 0, 1),
});
