/** Negation, magnitude and sign. */
import { unary } from '../families/elementwise';

export const neg = unary({
  name: 'neg',
  doc: 'y = −x. Gradient: −g.',
  takes: 'signed',
  apply: (x) => -x,
  samples: [{ inputs: [{ dtype: 'i32', shape: [9] }], range: [-9, 9] }],
  grad: (m, g) => m.neg(g),
});

export const abs = unary({
  name: 'abs',
  doc: 'y = |x|. Gradient: g · sign(x), 0 at 0.',
  takes: 'signed',
  apply: Math.abs,
  separated: true,
  grad: (m, g, { a }) => m.mul(g, m.sign(a)),
});

export const sign = unary({
  name: 'sign',
  doc: 'y = −1, 0 or 1 as x is negative, zero or positive; NaN stays. Gradient: 0.',
  takes: 'signed',
  apply: Math.sign,
  separated: true,
  grad: () => undefined,
});
