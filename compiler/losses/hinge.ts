/** Hinge losses of yes-or-no targets and of classes against each other, as support vector machines have them. */
import type { Value } from '../ir/graph';
import { sameShape } from '../ir/types';
import { numberOf, wordOf } from '../layers/fields';
import { Formula } from './formula';
import { classLabels, ownClass, pick } from './labels';
import { defineTermLoss } from './reduction';
import { defineRegression } from './regression';
import { hingeNorm, marginField, SIGNS, signsOf } from './signs';
import { requireFloatPrediction, requireTargets } from './targets';

export const hinge = defineTermLoss({
  type: 'hinge',
  summary: 'Hinge loss: scores on the wrong side of a margin, for yes-or-no targets or one class against the rest.',
  details: [
    `With targets of the predictions' shape: max(0, margin − t·x), one term for each element, as Keras' Hinge. ${SIGNS}`,
    "With class numbers [N, ...] beside scores [N, C, ...]: the same summed over the classes, t being 1 for the label and −1 for the others; one term for each label, as Caffe's HingeLoss. For classes compared with each other see `multi_margin` and `categorical_hinge`.",
  ].join('\n\n'),
  example: '{type: hinge, inputs: [score, target]}',
  fields: { norm: hingeNorm, margin: marginField(1, 'How far on the right side a score should be.', 0) },
  own: 2,
  samples: [
    { inputs: [{ shape: ['N', 5] }, { shape: ['N', 5], values: [1, -1, 0] }], wrt: [0] },
    {
      name: 'labels',
      inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 2], dtype: 'int32' }],
      fields: { norm: 'l2' },
    },
    { name: 'labels, l1', inputs: [{ shape: ['N', 3] }, { shape: ['N'], dtype: 'int32' }], fields: { margin: 0.5 } },
  ],
  terms(context, inputs) {
    const [x, targets] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, x);
    const m = Formula.in(context);
    const margin = numberOf(context.fields, 'margin');
    const cost = (slack: Value): Value =>
      wordOf(context.fields, 'norm') === 'l2' ? m.square(m.hinge(slack)) : m.hinge(slack);
    const { shape } = x.type;
    const without = shape.filter((_, axis) => axis !== 1);
    const isLabels = shape.length > 1 && targets.type.dtype !== 'f32' && sameShape(targets.type.shape, without);
    const isColumn = shape.length === 2 && shape[1] === 1;
    if (!isLabels || isColumn) {
      const t = signsOf(m, requireTargets(context, x, targets));
      return { loss: cost(m.sub(margin, m.mul(t, x))) };
    }
    const labels = classLabels(context, x, targets, 1);
    const others = m.where(ownClass(context, x, labels), 0, cost(m.add(margin, x)));
    return { loss: m.add(m.sum(others, [1]), cost(m.sub(margin, pick(context, x, labels)))) };
  },
});

export const squaredHinge = defineRegression({
  type: 'squared_hinge',
  summary: 'Squared hinge loss of yes-or-no targets.',
  details: `max(0, margin − t·x)², as in Keras; \`hinge\` with \`norm: l2\` is the same and takes class numbers too. ${SIGNS}`,
  fields: { margin: marginField(1, 'How far on the right side a score should be.', 0) },
  variants: [{ margin: 0.25 }],
  ranges: [
    [-2, 2],
    [0.5, 1],
  ],
  term: (m, x, t, { fields }) => m.square(m.hinge(m.sub(numberOf(fields, 'margin'), m.mul(signsOf(m, t), x)))),
});

export const softMargin = defineRegression({
  type: 'soft_margin',
  summary: 'Logistic loss of yes-or-no targets: a hinge without a corner.',
  details: `log(1 + exp(−t·x)), as PyTorch's SoftMarginLoss; with targets of 0 and 1 it is \`binary_cross_entropy\`. ${SIGNS}`,
  ranges: [
    [-2, 2],
    [0.5, 1],
  ],
  term: (m, x, t) => m.softplus(m.neg(m.mul(signsOf(m, t), x))),
});

export const hingeEmbedding = defineRegression({
  type: 'hinge_embedding',
  summary: 'Distances that should be small for pairs that belong together, and at least the margin for others.',
  details: `x where the target is 1, max(0, margin − x) where it is −1, as PyTorch's HingeEmbeddingLoss. ${SIGNS}`,
  example: '{type: hinge_embedding, inputs: [distance, target]}',
  fields: { margin: marginField(1, 'Distance that pairs that do not belong together should keep.', 0) },
  samples: [{ name: 'signs', inputs: [{ shape: ['N', 7] }, { shape: ['N', 7], dtype: 'int32', values: [1, -1, 0] }] }],
  ranges: [
    [0, 2],
    [0.5, 1],
  ],
  term: (m, x, t, { fields }) => m.where(m.greater(t, 0), x, m.hinge(m.sub(numberOf(fields, 'margin'), x))),
});
