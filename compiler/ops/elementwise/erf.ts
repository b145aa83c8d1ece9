/** The error function, for the exact GELU. */
import { unary } from '../families/elementwise';

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

export const erf = unary({
  name: 'erf',
  doc: 'y = 2/√π · ∫₀ˣ e^(−t²) dt. Gradient: g · 2/√π · e^(−x²).',
  takes: 'float',
  apply: errorFunction,
  range: [-3, 3],
  grad: (m, g, { a }) => m.mul(g, m.mul(TWO_OVER_SQRT_PI, m.exp(m.neg(m.square(a))))),
});

/** erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!: every term has the sign of x, so nothing cancels. */
function errorFunction(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return TWO_OVER_SQRT_PI * Math.exp(-x * x) * sum;
}
