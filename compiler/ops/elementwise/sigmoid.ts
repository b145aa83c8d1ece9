/** The logistic function. */
import { unary } from '../families/elementwise';

export const sigmoid = unary({
  name: 'sigmoid',
  doc: 'y = 1 / (1 + e⁻ˣ), without overflow for large |x|. Gradient: g · y · (1 − y).',
  takes: 'float',
  apply: (x) => {
    const e = Math.exp(-Math.abs(x));
    return x >= 0 ? 1 / (1 + e) : e / (1 + e);
  },
  range: [-4, 4],
  grad: (m, g, { y }) => m.mul(g, m.mul(y, m.sub(1, y))),
});
