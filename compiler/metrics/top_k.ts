/** Share of samples whose label is among the k highest scores. */
import { numberOf, positive } from '../layers/fields';
import { defineMetric } from './define';
import { hitFields, lowerHits, shareOfHits } from './hits';

export const topK = defineMetric({
  type: 'top_k',
  summary: 'Share of samples whose label is among the `k` highest scores, from 0 to 1.',
  details: 'Inputs: scores or probabilities [N, C, ...] and labels as for `cross_entropy`.',
  example: '{type: top_k, inputs: [logits, label], k: 5}',
  fields: { ...hitFields, k: positive('How many scores count.', { default: 5 }) },
  samples: [
    {
      inputs: [
        { shape: ['N', 7], separated: true },
        { shape: ['N'], dtype: 'int32', values: [3, 0, 6, 1] },
      ],
      fields: { k: 2 },
    },
    {
      name: 'pixels, some ignored',
      inputs: [
        { shape: ['N', 3, 2, 3], separated: true },
        { shape: ['N', 2, 3], dtype: 'int64', values: [0, 255, 2, 1, 2] },
      ],
      fields: { k: 2, ignore_index: 255 },
    },
    { name: 'one-hot', inputs: [{ shape: ['N', 7] }, { shape: ['N', 7], values: [0, 1, 0, 0, 0] }] },
  ],
  arity: [2, 2],
  better: 'higher',
  lower: (context, inputs) => lowerHits(context, inputs, numberOf(context.fields, 'k')),
  finish: shareOfHits,
});
