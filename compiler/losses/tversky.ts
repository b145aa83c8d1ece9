/** One minus the Tversky index: a Dice coefficient that weighs the two kinds of mistakes. */
import { numberOf } from '../layers/fields';
import { TINY } from './formula';
import { defineOverlapLoss } from './overlap';

export const tversky = defineOverlapLoss({
  type: 'tversky',
  summary: 'One minus the Tversky index: a Dice loss in which false positives and false negatives weigh differently.',
  details:
    '1 − (Σ p·t + smooth) / (Σ p·t + α·Σ p·(1 − t) + β·Σ (1 − p)·t + smooth), to the power of γ (Salehi et al. 2017; Abraham and Khan 2019 for γ). With α = β = ½ and γ = 1 it is `dice` with half the `smooth`.',
  example: '{type: tversky, inputs: [logits, label], kind: softmax, alpha: 0.3, beta: 0.7}',
  fields: {
    alpha: { description: 'Weight of false positives.', type: 'number', minimum: 0, default: 0.5 },
    beta: { description: 'Weight of false negatives.', type: 'number', minimum: 0, default: 0.5 },
    gamma: {
      description: 'Exponent of the loss: below 1 it stays steep for regions that are nearly right.',
      type: 'number',
      exclusiveMinimum: 0,
      default: 1,
    },
  },
  samples: [
    {
      name: 'weighed, to a power',
      inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 2], dtype: 'int32' }],
      fields: { kind: 'softmax', alpha: 0.3, beta: 0.7, gamma: 0.75 },
    },
  ],
  loss(m, { both, onlyPredicted, onlyTrue }, smooth, { fields }) {
    const missed = m.add(m.mul(numberOf(fields, 'alpha'), onlyPredicted), m.mul(numberOf(fields, 'beta'), onlyTrue));
    // missed / (both + missed + smooth) is one minus the index, without the difference of two numbers near 1.
    const loss = m.div(missed, m.maximum(m.add(m.add(both, missed), smooth), 1e-7));
    const gamma = numberOf(fields, 'gamma');
    return gamma === 1 ? loss : m.pow(m.maximum(loss, TINY), gamma);
  },
});
