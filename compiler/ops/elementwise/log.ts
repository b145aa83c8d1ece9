/** Natural logarithms: ln x and ln(1 + x). */
import { unary } from '../families/elementwise';

export const log = unary({
  name: 'log',
  doc: 'y = ln x. Gradient: g / x.',
  takes: 'float',
  apply: Math.log,
  range: [0.1, 4],
  grad: (m, g, { a }) => m.div(g, a),
});

export const log1p = unary({
  name: 'log1p',
  doc: 'y = ln(1 + x), exact for small x. Gradient: g / (1 + x).',
  takes: 'float',
  apply: Math.log1p,
  range: [-0.7, 4],
  grad: (m, g, { a }) => m.div(g, m.add(a, 1)),
});
