/** Exponentials: eˣ and eˣ − 1. */
import { unary } from '../families/elementwise';

export const exp = unary({
  name: 'exp',
  doc: 'y = eˣ. Gradient: g · y.',
  takes: 'float',
  apply: Math.exp,
  grad: (m, g, { y }) => m.mul(g, y),
});

export const expm1 = unary({
  name: 'expm1',
  doc: 'y = eˣ − 1, exact for small x. Gradient: g · (y + 1).',
  takes: 'float',
  apply: Math.expm1,
  grad: (m, g, { y }) => m.mul(g, m.add(y, 1)),
});
