/** Negative log-likelihood of counts. */
import { flag, flagOf, numberOf } from '../layers/fields';
import { defineRegression } from './regression';

const DEFAULT_EPSILON = 1e-8;

export const poisson = defineRegression({
  type: 'poisson',
  summary: 'Negative log-likelihood of counts whose expected value is predicted.',
  details: [
    'From the logarithm x of the expected value: eˣ − t·x. With `log_input: false`, from the value itself: x − t·log(x + epsilon).',
    "PyTorch's PoissonNLLLoss is the same; Keras' Poisson is `log_input: false` with an epsilon of 1e-7. `full` adds the term of the target alone, t·log t − t + ½ log(2πt) where t > 1 (Stirling), which has no part in the gradient of the prediction.",
  ].join('\n\n'),
  fields: {
    log_input: flag('The prediction is the logarithm of the expected value.', true),
    full: flag("Add Stirling's approximation of log t!.", false),
    epsilon: {
      description: `Added to the prediction before its logarithm is taken, where there is one; ${DEFAULT_EPSILON} by default.`,
      type: 'number',
      exclusiveMinimum: 0,
    },
  },
  ranges: [
    [0.2, 1.5],
    [0, 4],
  ],
  variants: [{ log_input: false }, { log_input: false, epsilon: 0.01 }, { full: true }],
  term(m, x, t, context) {
    const { fields } = context;
    const fromLog = flagOf(fields, 'log_input');
    if (fromLog && fields['epsilon'] !== undefined) {
      context.fail(['epsilon'], 'with `log_input: true` no logarithm is taken, so that `epsilon` has no effect');
    }
    const epsilon = fields['epsilon'] === undefined ? DEFAULT_EPSILON : numberOf(fields, 'epsilon');
    const loss = fromLog ? m.sub(m.exp(x), m.mul(t, x)) : m.sub(x, m.mul(t, m.log(m.add(x, epsilon))));
    if (!flagOf(fields, 'full')) return loss;
    const above = m.maximum(t, 1);
    const log = m.log(above);
    const half = 0.5 * Math.log(2 * Math.PI);
    const stirling = m.add(m.sub(m.mul(above, log), above), m.add(m.mul(0.5, log), half));
    return m.add(loss, m.where(m.greater(t, 1), stirling, 0));
  },
});
