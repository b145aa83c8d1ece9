/** Negative log-likelihood of a Gaussian whose mean and variance are both predicted. */
import type { Value } from '../ir/graph';
import { flag, flagOf, numberOf } from '../layers/fields';
import { Formula } from './formula';
import { defineTermLoss } from './reduction';
import { requireFloatPrediction, requireTargets } from './targets';

export const gaussianNll = defineTermLoss({
  type: 'gaussian_nll',
  summary: 'Negative log-likelihood of targets under a Gaussian of predicted mean and variance.',
  details: [
    'Inputs: mean, target, variance, all of the same shape; the target and the variance may lack a last axis of extent 1.',
    '½ · (log v + (mean − target)² / v), v = max(variance, epsilon) (Nix and Weigend 1994). The layer before the variance should make it positive (softplus, exponential). A variance below epsilon gets no gradient, where PyTorch passes it on.',
  ].join('\n\n'),
  example: '{type: gaussian_nll, inputs: [estimate, target, spread]}',
  fields: {
    epsilon: { description: 'Least variance.', type: 'number', exclusiveMinimum: 0, default: 1e-6 },
    full: flag('Add the constant ½ log 2π.', false),
  },
  own: 3,
  samples: [
    { inputs: [{ shape: ['N', 5] }, { shape: ['N', 5] }, { shape: ['N', 5], range: [0.3, 2] }] },
    {
      name: 'full, column',
      inputs: [{ shape: ['N', 1] }, { shape: ['N'] }, { shape: ['N', 1], range: [0.3, 2] }],
      fields: { full: true, epsilon: 0.01 },
    },
  ],
  terms(context, inputs) {
    const [mean, targets, variances] = inputs as readonly [Value, Value, Value];
    requireFloatPrediction(context, mean);
    const m = Formula.in(context);
    const error = m.square(m.sub(mean, requireTargets(context, mean, targets)));
    const variance = m.maximum(requireTargets(context, mean, variances), numberOf(context.fields, 'epsilon'));
    const loss = m.mul(0.5, m.add(m.log(variance), m.div(error, variance)));
    return { loss: flagOf(context.fields, 'full') ? m.add(loss, 0.5 * Math.log(2 * Math.PI)) : loss };
  },
});
