/** Quotients of right and wrong decisions: precision, recall and what is made of them. */
import { numberOf } from '../layers/fields';
import { defineRatio } from './counts';

const ELSEWHERE =
  "A quotient of 0 by 0 counts as 0, as in Keras and scikit-learn; a class that is neither among labels nor predictions takes no part in the averages. Keras' metrics of this name take all classes together: `average: micro`.";

export const precision = defineRatio({
  type: 'precision',
  summary: 'Share of the decisions for a class that are right.',
  details: `tp / (tp + fp). ${ELSEWHERE}`,
  example: '{type: precision, inputs: [logits, label], per_class: true}',
  samples: [{ inputs: [{ shape: ['N', 3] }, { shape: ['N'], dtype: 'int32', range: [0, 2] }], fields: { class: 2 } }],
  ratio: ({ tp, fp }) => [tp, tp + fp],
});

export const recall = defineRatio({
  type: 'recall',
  summary: 'Share of the labels of a class that are found: sensitivity, the rate of true positives.',
  details: `tp / (tp + fn). ${ELSEWHERE}`,
  ratio: ({ tp, fn }) => [tp, tp + fn],
});

export const specificity = defineRatio({
  type: 'specificity',
  summary: 'Share of the labels of other classes that are not taken for the class: the rate of true negatives.',
  details: `tn / (tn + fp). ${ELSEWHERE}`,
  ratio: ({ tn, fp }) => [tn, tn + fp],
});

export const f1 = defineRatio({
  type: 'f1',
  summary: 'Harmonic mean of precision and recall.',
  details: `2·tp / (2·tp + fp + fn). ${ELSEWHERE} Keras' F1Score gives every class alone unless told otherwise.`,
  ratio: ({ tp, fp, fn }) => [2 * tp, 2 * tp + fp + fn],
});

export const fBeta = defineRatio({
  type: 'f_beta',
  summary: 'Weighted harmonic mean of precision and recall.',
  details: `(1 + β²)·tp / ((1 + β²)·tp + β²·fn + fp): recall counts β times as much as precision. ${ELSEWHERE}`,
  example: '{type: f_beta, inputs: [logits, label], beta: 2}',
  fields: {
    beta: {
      description: 'How much more recall counts than precision.',
      type: 'number',
      exclusiveMinimum: 0,
      default: 1,
    },
  },
  ratio({ tp, fp, fn }, fields) {
    const square = numberOf(fields, 'beta') ** 2;
    return [(1 + square) * tp, (1 + square) * tp + square * fn + fp];
  },
});
