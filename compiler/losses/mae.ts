/** Mean absolute error. */
import { defineRegression } from './regression';

export const mae = defineRegression({
  type: 'mae',
  summary: 'Mean absolute error.',
  details: 'The mean of |prediction − target|; PyTorch calls it L1Loss. The gradient at 0 is 0.',
  term: (m, x, t) => m.abs(m.sub(x, t)),
});
