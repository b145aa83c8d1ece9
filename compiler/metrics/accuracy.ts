/** Share of samples whose highest score is the label's. */
import { defineMetric } from '../losses/define';
import { hitFields, lowerHits, shareOfHits } from './hits';

export const accuracy = defineMetric({
  type: 'accuracy',
  summary: 'Share of samples whose highest score is that of the label, from 0 to 1.',
  details:
    'Inputs: scores or probabilities [N, C, ...] and labels as for `cross_entropy`. Among equal scores the first counts.',
  example: '{type: accuracy, inputs: [logits, label]}',
  fields: hitFields,
  arity: [2, 2],
  better: 'higher',
  lower: (context, inputs) => lowerHits(context, inputs, 1),
  finish: shareOfHits,
});
