/** Losses that compare the score of the right class, or of the right one of two, with the scores of the others. */
import type { Value } from '../ir/graph';
import { numberOf, wordOf } from '../layers/fields';
import { Formula } from './formula';
import { classLabels, classWeights, classWeightsField, ownClass, pick, weightOfLabels } from './labels';
import { defineTermLoss } from './reduction';
import { hingeNorm, marginField, SIGNS, signsOf } from './signs';
import { isProbabilities, requireFloatPrediction, requireTargets } from './targets';

export const multiMargin = defineTermLoss({
  type: 'multi_margin',
  summary: 'Hinge loss in which the score of the label should exceed each other score by a margin.',
  details: [
    'Inputs: scores [N, C, ...] and class numbers [N, ...]; one term for each label.',
    "w[label] · Σ max(0, margin − x[label] + x[c])^p / C over the other classes c (Crammer and Singer 2001), as PyTorch's MultiMarginLoss, p being 1 or 2 by `norm`. As there, class weights do not count in the mean.",
  ].join('\n\n'),
  example: '{type: multi_margin, inputs: [logits, label]}',
  fields: {
    norm: hingeNorm,
    margin: marginField(1, 'By how much the score of the label should be greater.', 0),
    class_weights: classWeightsField,
  },
  own: 2,
  samples: [
    { inputs: [{ shape: ['N', 5] }, { shape: ['N'], dtype: 'int32', range: [0, 4] }] },
    {
      name: 'squared, weighted classes',
      inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 2], dtype: 'int32' }],
      fields: { norm: 'l2', margin: 0.5, class_weights: [1, 2, 0.5] },
    },
  ],
  terms(context, inputs) {
    const [x, targets] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, x);
    const m = Formula.in(context);
    const classes = x.type.shape[1] ?? 1;
    const weights = classWeights(context, classes);
    const labels = classLabels(context, x, targets, 1);
    const kept = x.type.shape.map((extent, axis) => (axis === 1 ? 1 : extent));
    const own = m.reshape(pick(context, x, labels), kept);
    const slack = m.hinge(m.add(m.sub(numberOf(context.fields, 'margin'), own), x));
    const cost = wordOf(context.fields, 'norm') === 'l2' ? m.square(slack) : slack;
    const loss = m.mul(1 / classes, m.sum(m.where(ownClass(context, x, labels), 0, cost), [1]));
    return { loss: weights ? m.mul(loss, weightOfLabels(context, weights, labels)) : loss };
  },
});

export const categoricalHinge = defineTermLoss({
  type: 'categorical_hinge',
  summary: 'Hinge loss between the score of the label and the greatest of the others.',
  details: [
    'Inputs: scores [N, C, ...] and class numbers [N, ...], or targets from 0 to 1 in the shape of the scores; one term for each label.',
    "max(0, 1 + max((1 − t)·x) − Σ t·x) over the classes, as Keras' CategoricalHinge: the greatest of the others is at least 0. PyTorch has none; `multi_margin` compares with all others.",
  ].join('\n\n'),
  example: '{type: categorical_hinge, inputs: [logits, label]}',
  fields: {},
  own: 2,
  samples: [
    {
      inputs: [
        { shape: ['N', 5], separated: true },
        { shape: ['N'], dtype: 'int32', range: [0, 4] },
      ],
    },
    {
      name: 'targets',
      inputs: [
        { shape: ['N', 3, 2], separated: true },
        { shape: ['N', 3, 2], range: [0, 1] },
      ],
    },
  ],
  terms(context, inputs) {
    const [x, targets] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, x);
    const m = Formula.in(context);
    if (isProbabilities(x, targets)) {
      const others = m.largest(m.mul(m.sub(1, targets), x), 1);
      return { loss: m.hinge(m.add(1, m.sub(others, m.sum(m.mul(targets, x), [1])))) };
    }
    const labels = classLabels(context, x, targets, 1);
    const others = m.largest(m.where(ownClass(context, x, labels), 0, x), 1);
    return { loss: m.hinge(m.add(1, m.sub(others, pick(context, x, labels)))) };
  },
});

export const multilabelMargin = defineTermLoss({
  type: 'multilabel_margin',
  summary: 'Hinge loss in which every class that is present should score higher than every one that is not.',
  details: [
    'Inputs: scores [N, C] and targets [N, C], 1 where a class is present (anything above ½) and 0 elsewhere; one term for each sample.',
    "Σ max(0, 1 − (x[j] − x[i])) / C over classes j that are present and i that are not. PyTorch's MultiLabelMarginLoss lists the classes that are present instead.",
  ].join('\n\n'),
  example: '{type: multilabel_margin, inputs: [scores, present]}',
  fields: {},
  own: 2,
  samples: [{ inputs: [{ shape: ['N', 5] }, { shape: ['N', 5], dtype: 'int32', values: [1, 0, 0, 1, 0, 1, 1] }] }],
  terms(context, inputs) {
    const [x, targets] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, x);
    const [n, classes] = x.type.shape;
    if (n === undefined || classes === undefined || x.type.shape.length !== 2) {
      return context.mismatch('shape', 'it needs scores [N, C]');
    }
    const m = Formula.in(context);
    const present = m.indicator(m.greater(requireTargets(context, x, targets), 0.5));
    const row = (value: Value): Value => m.reshape(value, [n, 1, classes]);
    const column = (value: Value): Value => m.reshape(value, [n, classes, 1]);
    const pairs = m.mul(column(present), row(m.sub(1, present)));
    const slack = m.hinge(m.add(m.sub(1, column(x)), row(x)));
    return { loss: m.mul(1 / classes, m.sum(m.mul(pairs, slack), [1, 2])) };
  },
});

export const marginRanking = defineTermLoss({
  type: 'margin_ranking',
  summary: 'Hinge loss in which the first of two scores should be the greater one, or the smaller.',
  details: [
    `Inputs: two scores and a target, all of the same shape (the target may lack a last axis of extent 1). ${SIGNS} 1 asks for a greater first score.`,
    "max(0, margin − t·(a − b)), as PyTorch's MarginRankingLoss; Keras and Caffe have none.",
  ].join('\n\n'),
  example: '{type: margin_ranking, inputs: [a, b, target], margin: 0.1}',
  fields: { margin: marginField(0, 'By how much one should exceed the other.') },
  own: 3,
  samples: [
    {
      inputs: [{ shape: ['N', 5] }, { shape: ['N', 5] }, { shape: ['N', 5], dtype: 'int32', values: [1, -1, 0] }],
      fields: { margin: 0.1 },
    },
    {
      name: 'column',
      inputs: [{ shape: ['N', 1] }, { shape: ['N', 1] }, { shape: ['N'], values: [1, -1] }],
      wrt: [0, 1],
    },
  ],
  terms(context, inputs) {
    const [a, b, targets] = inputs as readonly [Value, Value, Value];
    requireFloatPrediction(context, a);
    const m = Formula.in(context);
    const t = signsOf(m, requireTargets(context, a, targets));
    const ahead = m.mul(t, m.sub(a, requireTargets(context, a, b)));
    return { loss: m.hinge(m.sub(numberOf(context.fields, 'margin'), ahead)) };
  },
});
