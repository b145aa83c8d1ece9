/** Square roots, squares and reciprocals. */
import { unary } from '../families/elementwise';

export const sqrt = unary({
  name: 'sqrt',
  doc: 'y = √x. Gradient: g / (2y), infinite at 0.',
  takes: 'float',
  apply: Math.sqrt,
  range: [0.1, 4],
  grad: (m, g, { y }) => m.div(m.mul(g, 0.5), y),
});

export const rsqrt = unary({
  name: 'rsqrt',
  doc: 'y = 1 / √x. Gradient: −½ · g · y³.',
  takes: 'float',
  apply: (x) => 1 / Math.sqrt(x),
  range: [0.1, 4],
  grad: (m, g, { y }) => m.mul(m.mul(g, -0.5), m.mul(y, m.square(y))),
});

export const square = unary({
  name: 'square',
  doc: 'y = x². Gradient: 2 · g · x.',
  takes: 'number',
  apply: (x) => x * x,
  grad: (m, g, { a }) => m.mul(m.mul(g, 2), a),
});

export const reciprocal = unary({
  name: 'reciprocal',
  doc: 'y = 1 / x. Gradient: −g · y².',
  takes: 'float',
  apply: (x) => 1 / x,
  range: [0.2, 3],
  grad: (m, g, { y }) => m.neg(m.mul(g, m.square(y))),
});
