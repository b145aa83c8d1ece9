/** Multiplication and division. */
import { binary } from '../families/elementwise';

export const mul = binary({
  name: 'mul',
  doc: 'y = a · b. Gradients: g · b, g · a.',
  takes: 'number',
  commutative: true,
  apply: (a, b) => a * b,
  grad: [(m, g, { b }) => m.mul(g, b), (m, g, { a }) => m.mul(g, a)],
});

export const div = binary({
  name: 'div',
  doc: 'y = a / b, of floating-point numbers only: integers have no one division. Gradients: g / b, −g · y / b.',
  takes: 'float',
  apply: (a, b) => a / b,
  range: [
    [-1, 1],
    [0.3, 2],
  ],
  grad: [(m, g, { b }) => m.div(g, b), (m, g, { b, y }) => m.neg(m.mul(m.div(g, b), y))],
});
