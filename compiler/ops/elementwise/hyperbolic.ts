/** Hyperbolic functions and their inverses; `tanh` has its own file. */
import { unary } from '../families/elementwise';

export const sinh = unary({
  name: 'sinh',
  doc: 'y = (eˣ − e⁻ˣ) / 2. Gradient: g · cosh x.',
  takes: 'float',
  apply: Math.sinh,
  range: [-3, 3],
  grad: (m, g, { a }) => m.mul(g, m.op('cosh', a)),
});

export const cosh = unary({
  name: 'cosh',
  doc: 'y = (eˣ + e⁻ˣ) / 2. Gradient: g · sinh x.',
  takes: 'float',
  apply: Math.cosh,
  range: [-3, 3],
  grad: (m, g, { a }) => m.mul(g, m.op('sinh', a)),
});

export const asinh = unary({
  name: 'asinh',
  doc: 'y = ln(x + √(x² + 1)). Gradient: g / √(x² + 1).',
  takes: 'float',
  apply: Math.asinh,
  range: [-4, 4],
  grad: (m, g, { a }) => m.mul(g, m.rsqrt(m.add(1, m.square(a)))),
});

export const acosh = unary({
  name: 'acosh',
  doc: 'y = ln(x + √(x² − 1)), ≥ 0; NaN below 1. Gradient: g / √((x − 1)(x + 1)).',
  takes: 'float',
  apply: Math.acosh,
  range: [1.2, 5],
  grad: (m, g, { a }) => m.mul(g, m.rsqrt(m.mul(m.sub(a, 1), m.add(a, 1)))),
});

export const atanh = unary({
  name: 'atanh',
  doc: 'y = ln((1 + x) / (1 − x)) / 2; NaN outside −1 … 1. Gradient: g / ((1 − x)(1 + x)).',
  takes: 'float',
  apply: Math.atanh,
  range: [-0.95, 0.95],
  grad: (m, g, { a }) => m.div(g, m.mul(m.sub(1, a), m.add(1, a))),
});
