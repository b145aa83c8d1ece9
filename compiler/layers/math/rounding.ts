/** Rounding to whole numbers; all of these have gradient 0. */
import { defineUnary } from './unary';

const FLAT = 'The result is of floating point, and its gradient 0.';

export const floor = defineUnary({ type: 'floor', summary: 'The largest whole number not above x.', details: FLAT });

export const ceil = defineUnary({ type: 'ceil', summary: 'The smallest whole number not below x.', details: FLAT });

export const round = defineUnary({
  type: 'round',
  summary: 'The nearest whole number, of two equally near ones the even one.',
  details: `As NumPy, Keras and PyTorch round. ${FLAT}`,
});
