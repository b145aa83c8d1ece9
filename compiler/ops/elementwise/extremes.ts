/** The larger and the smaller of two. A NaN on either side wins. */
import { binary } from '../families/elementwise';

const BYTES = { dtype: 'u8', shape: [5, 7] } as const;

export const maximum = binary({
  name: 'maximum',
  doc: 'y = the larger of a and b. Gradients: g to the larger, half to each where they are equal.',
  takes: 'number',
  commutative: true,
  separated: true,
  apply: Math.max,
  samples: [{ name: 'of bytes', inputs: [BYTES, BYTES], range: [0, 255] }],
  grad: [
    (m, g, { a, b }) => m.where(m.greater(a, b), g, m.where(m.equal(a, b), m.mul(g, 0.5), 0)),
    (m, g, { a, b }) => m.where(m.greater(b, a), g, m.where(m.equal(a, b), m.mul(g, 0.5), 0)),
  ],
});

export const minimum = binary({
  name: 'minimum',
  doc: 'y = the smaller of a and b. Gradients: g to the smaller, half to each where they are equal.',
  takes: 'number',
  commutative: true,
  separated: true,
  apply: Math.min,
  grad: [
    (m, g, { a, b }) => m.where(m.greater(b, a), g, m.where(m.equal(a, b), m.mul(g, 0.5), 0)),
    (m, g, { a, b }) => m.where(m.greater(a, b), g, m.where(m.equal(a, b), m.mul(g, 0.5), 0)),
  ],
});
