/** The hyperbolic tangent. */
import { unary } from '../families/elementwise';

export const tanh = unary({
  name: 'tanh',
  doc: 'y = tanh x. Gradient: g · (1 − y²).',
  takes: 'float',
  apply: Math.tanh,
  range: [-3, 3],
  grad: (m, g, { y }) => m.mul(g, m.sub(1, m.square(y))),
});
