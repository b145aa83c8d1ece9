/** The loss whose minimum is a quantile of the target. */
import { numberOf } from '../layers/fields';
import { defineRegression } from './regression';

export const quantile = defineRegression({
  type: 'quantile',
  summary: 'Pinball loss: the prediction that makes it small is the quantile `tau` of the target.',
  details:
    'With e = target − prediction: τ·e where e ≥ 0, (τ − 1)·e elsewhere (Koenker and Bassett 1978); τ = 0.5 is half of `mae`. One output for each quantile, each with a loss of its own, gives an interval.',
  example: '{type: quantile, inputs: [estimate, target], tau: 0.9}',
  fields: {
    tau: {
      description: 'The quantile: the share of targets that should lie below the prediction.',
      type: 'number',
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      default: 0.5,
    },
  },
  variants: [{ tau: 0.9 }],
  term(m, x, t, { fields }) {
    const tau = numberOf(fields, 'tau');
    const error = m.sub(t, x);
    return m.maximum(m.mul(tau, error), m.mul(tau - 1, error));
  },
});
