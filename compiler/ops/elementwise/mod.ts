/** What is left of a division. */
import { binary } from '../families/elementwise';

export const mod = binary({
  name: 'mod',
  doc:
    'y = a − b · ⌊a / b⌋, computed exactly: it has the sign of b (as in Python, NumPy and PyTorch’s remainder, not as C’s ' +
    'fmod). NaN where b is 0; an integer divided by 0 leaves 0. Gradients: g and −g · ⌊a / b⌋ = −g · (a − y) / b.',
  takes: 'number',
  apply: (a, b) => {
    const rest = a % b;
    return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
  },
  range: [
    [-3, 3],
    [0.6, 2],
  ],
  samples: [
    {
      name: 'signs',
      inputs: [
        { dtype: 'f32', shape: [5] },
        { dtype: 'f32', shape: [5] },
      ],
      values: { 0: [7.5, -7.5, 7.5, -7.5, 0.25], 1: [2, 2, -2, -2, -3] },
    },
    {
      name: 'integers',
      inputs: [
        { dtype: 'i32', shape: [6] },
        { dtype: 'i32', shape: [6] },
      ],
      values: { 0: [7, -7, 7, -7, 6, 0], 1: [3, 3, -3, -3, -3, 5] },
    },
  ],
  grad: [(_m, g) => g, (m, g, { a, b, y }) => m.neg(m.mul(g, m.div(m.sub(a, y), b)))],
});
