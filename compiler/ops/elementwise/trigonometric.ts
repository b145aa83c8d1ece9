/** Sine and cosine, of radians. */
import { unary } from '../families/elementwise';

export const sin = unary({
  name: 'sin',
  doc: 'y = sin x. Gradient: g · cos x.',
  takes: 'float',
  apply: Math.sin,
  range: [-6, 6],
  grad: (m, g, { a }) => m.mul(g, m.cos(a)),
});

export const cos = unary({
  name: 'cos',
  doc: 'y = cos x. Gradient: −g · sin x.',
  takes: 'float',
  apply: Math.cos,
  range: [-6, 6],
  grad: (m, g, { a }) => m.neg(m.mul(g, m.sin(a))),
});
