/** Addition and subtraction. */
import { binary } from '../families/elementwise';

export const add = binary({
  name: 'add',
  doc: 'y = a + b. Gradients: g, g.',
  takes: 'number',
  commutative: true,
  apply: (a, b) => a + b,
  grad: [(_, g) => g, (_, g) => g],
});

export const sub = binary({
  name: 'sub',
  doc: 'y = a − b. Gradients: g, −g.',
  takes: 'number',
  apply: (a, b) => a - b,
  grad: [(_, g) => g, (m, g) => m.neg(g)],
});
