/** Powers. */
import { binary } from '../families/elementwise';

export const pow = binary({
  name: 'pow',
  doc:
    'y = aᵇ; NaN for a negative a with a fractional b. Gradients: g · b · aᵇ⁻¹ (0 where b is 0), ' +
    'g · y · ln a (0 where a is 0 and b ≥ 0).',
  takes: 'float',
  apply: power,
  range: [
    [0.2, 2],
    [-2, 3],
  ],
  samples: [
    {
      name: 'whole exponents of negative bases',
      inputs: [
        { dtype: 'f32', shape: [4] },
        { dtype: 'f32', shape: [] },
      ],
      values: { 0: [-2, -0.5, 0.25, 1.5], 1: [3] },
      wrt: [0],
    },
  ],
  grad: [
    (m, g, { a, b }) => m.where(m.equal(b, 0), 0, m.mul(m.mul(g, b), m.pow(a, m.sub(b, 1)))),
    (m, g, { a, b, y }) => m.where(m.and(m.equal(a, 0), m.greaterEqual(b, 0)), 0, m.mul(g, m.mul(y, m.log(a)))),
  ],
});

/** As C's pow: JavaScript's differs at 1 to the power of NaN or infinity. */
function power(a: number, b: number): number {
  return a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b;
}
