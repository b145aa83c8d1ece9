/** One minus the Dice coefficient of a predicted and a true region. */
import { defineOverlapLoss } from './overlap';

export const dice = defineOverlapLoss({
  type: 'dice',
  summary: 'One minus the Dice coefficient of predicted and true regions, for segmentation.',
  details: '1 − (2·Σ p·t + smooth) / (Σ p + Σ t + smooth) (Milletari et al. 2016, without squares).',
  example: '{type: dice, inputs: [logits, label], kind: softmax}',
  fields: {},
  loss(m, { both, onlyPredicted, onlyTrue }, smooth) {
    const missed = m.add(onlyPredicted, onlyTrue);
    // missed / (2·both + missed + smooth) is one minus the coefficient, without the difference of two numbers near 1.
    return m.div(missed, m.maximum(m.add(m.add(m.mul(2, both), missed), smooth), 1e-7));
  },
});
