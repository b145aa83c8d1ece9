/** Share of samples whose label is among the k highest scores. */
import { numberOf, positive } from '../layers/fields';
import { defineMetric } from '../losses/define';
import { hitFields, lowerHits, shareOfHits } from './hits';

export const topK = defineMetric({
  type: 'top_k',
  summary: 'Share of samples whose label is among the `k` highest scores, from 0 to 1.',
  details: 'Inputs: scores or probabilities [N, C, ...] and labels as for `cross_entropy`.',
  example: '{type: top_k, inputs: [logits, label], k: 5}',
  fields: { ...hitFields, k: positive('How many scores count.', { default: 5 }) },
  arity: [2, 2],
  better: 'higher',
  lower: (context, inputs) => lowerHits(context, inputs, numberOf(context.fields, 'k')),
  finish: shareOfHits,
});
