/** The logarithm of the hyperbolic cosine of the error. */
import type { Value } from '../ir/graph';
import type { Formula } from './formula';
import { defineRegression } from './regression';

/**
 * log cosh e of a = |e|. From 1 on it is a − log 2 + log(1 + e^(−2a)); below that the two large terms would cancel,
 * and it is log(1 + (e^a − 1)² / (2e^a)), which keeps the digits of a²/2.
 */
function logCosh(m: Formula, error: Value): Value {
  const size = m.abs(error);
  const small = m.minimum(size, 1);
  const near = m.log1p(m.mul(m.mul(0.5, m.square(m.expm1(small))), m.exp(m.neg(small))));
  const far = m.add(m.sub(size, Math.LN2), m.log1p(m.exp(m.mul(-2, size))));
  return m.where(m.greater(size, 1), far, near);
}

export const logCoshLoss = defineRegression({
  type: 'log_cosh',
  summary: 'Logarithm of the hyperbolic cosine of the error: about ½e² near zero, |e| − log 2 far from it.',
  details: 'log cosh(prediction − target), as in Keras; PyTorch has none.',
  ranges: [
    [-3, 3],
    [-1, 1],
  ],
  term: (m, x, t) => logCosh(m, m.sub(x, t)),
});
