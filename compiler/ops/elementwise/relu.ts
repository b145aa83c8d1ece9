/** The rectifier. */
import { unary } from '../families/elementwise';

export const relu = unary({
  name: 'relu',
  doc: 'y = x where x > 0, else 0; NaN stays. Gradient: g where y > 0, else 0.',
  takes: 'signed',
  apply: (x) => (x <= 0 ? 0 : x),
  separated: true,
  grad: (m, g, { y }) => m.where(m.greater(y, 0), g, 0),
});
