/** Trigonometric functions of radians, and their inverses. */
import type { Arithmetic, Operand } from '../families/arithmetic';
import { binary, unary } from '../families/elementwise';

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

export const tan = unary({
  name: 'tan',
  doc: 'y = tan x. Gradient: g · (1 + y²).',
  takes: 'float',
  apply: Math.tan,
  range: [-1.4, 1.4],
  grad: (m, g, { y }) => m.mul(g, m.add(1, m.square(y))),
});

export const asin = unary({
  name: 'asin',
  doc: 'y = arcsin x, −π/2 … π/2; NaN outside −1 … 1. Gradient: g / √((1 − x)(1 + x)).',
  takes: 'float',
  apply: Math.asin,
  range: [-0.95, 0.95],
  grad: (m, g, { a }) => m.mul(g, m.rsqrt(m.mul(m.sub(1, a), m.add(1, a)))),
});

export const acos = unary({
  name: 'acos',
  doc: 'y = arccos x, 0 … π; NaN outside −1 … 1. Gradient: −g / √((1 − x)(1 + x)).',
  takes: 'float',
  apply: Math.acos,
  range: [-0.95, 0.95],
  grad: (m, g, { a }) => m.neg(m.mul(g, m.rsqrt(m.mul(m.sub(1, a), m.add(1, a))))),
});

export const atan = unary({
  name: 'atan',
  doc: 'y = arctan x, −π/2 … π/2. Gradient: g / (1 + x²).',
  takes: 'float',
  apply: Math.atan,
  range: [-4, 4],
  grad: (m, g, { a }) => m.div(g, m.add(1, m.square(a))),
});

export const atan2 = binary({
  name: 'atan2',
  doc:
    'y = the angle of the point (b, a) with the first axis, −π … π; 0 for the origin. With s = max(|a|, |b|), so that no ' +
    'square overflows, and r² = (a/s)² + (b/s)²: gradients g · (b/s) / (s · r²) and −g · (a/s) / (s · r²), 0 at the origin.',
  takes: 'float',
  apply: Math.atan2,
  range: [
    [-2, 2],
    [0.3, 2],
  ],
  samples: [
    {
      name: 'every quadrant and the axes',
      inputs: [
        { dtype: 'f32', shape: [11] },
        { dtype: 'f32', shape: [11] },
      ],
      values: { 0: [1, 1, -1, -1, 0, 0, 2, -2, 0.1, 3, 1e-3], 1: [2, -2, 2, -2, 3, -3, 0, 0, -5, 0.2, 7] },
      // On the half-axis where the angle jumps from −π to π there is no difference to take.
      wrt: [],
    },
  ],
  grad: [
    (m, g, { a, b }) => {
      const { along, across } = direction(m, b, a);
      return m.mul(g, m.div(along, across));
    },
    (m, g, { a, b }) => {
      const { along, across } = direction(m, a, b);
      return m.neg(m.mul(g, m.div(along, across)));
    },
  ],
});

/** p/s and s · ((p/s)² + (q/s)²) for s = max(|p|, |q|); 0 and 1 where both are 0. */
function direction(m: Arithmetic, p: Operand, q: Operand) {
  const most = m.maximum(m.abs(p), m.abs(q));
  const origin = m.equal(most, 0);
  const s = m.where(origin, 1, most);
  const [u, v] = [m.div(p, s), m.div(q, s)];
  return { along: u, across: m.where(origin, 1, m.mul(s, m.add(m.square(u), m.square(v)))) };
}
