/** Mean absolute error in percent of the target. */
import { numberOf } from '../layers/fields';
import { defineRegression } from './regression';

export const mape = defineRegression({
  type: 'mape',
  summary: 'Mean absolute error in percent of the target.',
  details: '100 · |prediction − target| / max(|target|, epsilon), as in Keras.',
  fields: {
    epsilon: {
      description: 'Least magnitude of a target to divide by.',
      type: 'number',
      exclusiveMinimum: 0,
      default: 1e-7,
    },
  },
  ranges: [
    [-1, 1],
    [1, 3],
  ],
  variants: [{ epsilon: 2 }],
  term: (m, x, t, { fields }) =>
    m.mul(100, m.div(m.abs(m.sub(x, t)), m.maximum(m.abs(t), numberOf(fields, 'epsilon')))),
});
