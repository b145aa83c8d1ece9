/** Tests for what is no ordinary number. */
import { unary } from '../families/elementwise';

export const is_nan = unary({
  name: 'is_nan',
  doc: 'y = x is not a number.',
  takes: 'float',
  gives: 'bool',
  apply: (x) => (Number.isNaN(x) ? 1 : 0),
});

export const is_finite = unary({
  name: 'is_finite',
  doc: 'y = x is neither NaN nor infinite.',
  takes: 'float',
  gives: 'bool',
  apply: (x) => (Number.isFinite(x) ? 1 : 0),
});
