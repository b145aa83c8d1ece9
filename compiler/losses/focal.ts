/** Cross-entropy that turns away from what is already known. */
import type { Value } from '../ir/graph';
import type { LowerContext } from '../layers/define';
import { isNumbers, numberOf, wordOf } from '../layers/fields';
import { Formula, TINY } from './formula';
import { classAxis, classLabels, ignoreField, pick, unsetAxis, validOnly, weightOfLabels } from './labels';
import { defineTermLoss, type Terms } from './reduction';
import { isProbabilities, requireFloatPrediction, requireTargets } from './targets';

export const focal = defineTermLoss({
  type: 'focal',
  summary: 'Cross-entropy in which what is predicted well weighs little, for classes of very different sizes.',
  details: [
    'α · (1 − p)^γ · −log p, p the probability of what is right (Lin et al. 2017).',
    '`kind: sigmoid`: scores and targets from 0 to 1 of the same shape, one term for each element; p = σ(x)·t + (1 − σ(x))·(1 − t), and α weighs the positives, 1 − α the negatives. `kind: softmax`: scores [N, C, ...] and class numbers [N, ...], or probabilities in the shape of the scores; one term for each label, and α is one factor, or a list with one for each class.',
    "Without `alpha` nothing is weighed, as in Keras unless it balances classes; torchvision's sigmoid_focal_loss has alpha 0.25. Detectors divide by the number of positives: that is `normalization: sum` or a mask.",
  ].join('\n\n'),
  example: '{type: focal, inputs: [logits, label], kind: softmax}',
  fields: {
    kind: {
      description: '`sigmoid` for independent yes-or-no predictions, `softmax` for one class among several.',
      enum: ['sigmoid', 'softmax'],
      default: 'sigmoid',
    },
    axis: unsetAxis('With softmax, the axis of the classes.'),
    gamma: {
      description: 'How strongly what is known is left out; 0 does not.',
      type: 'number',
      minimum: 0,
      default: 2,
    },
    alpha: {
      description: 'With sigmoid, the weight of positives; with softmax, a factor or a list of one for each class.',
      anyOf: [
        { type: 'number', minimum: 0, maximum: 1 },
        { type: 'array', items: { type: 'number', minimum: 0 }, minItems: 1 },
      ],
    },
    ignore_index: ignoreField,
  },
  own: 2,
  samples: [
    {
      inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 2], dtype: 'int32' }],
      fields: { kind: 'softmax' },
    },
    {
      name: 'a weight for each class, some ignored',
      inputs: [{ shape: ['N', 2, 3] }, { shape: ['N', 2], dtype: 'int32', values: [2, 0, 9] }],
      fields: { kind: 'softmax', axis: -1, alpha: [0.2, 1, 0.5], gamma: 1.5, ignore_index: 9 },
    },
    {
      name: 'against probabilities',
      inputs: [{ shape: ['N', 3] }, { shape: ['N', 3], range: [0, 1] }],
      fields: { kind: 'softmax', alpha: [0.2, 1, 0.5] },
    },
    { name: 'binary', inputs: [{ shape: ['N', 5] }, { shape: ['N', 5], range: [0, 1] }] },
    {
      name: 'binary, balanced, some ignored',
      inputs: [{ shape: ['N', 5] }, { shape: ['N', 5], dtype: 'int32', values: [0, 1, -1] }],
      fields: { alpha: 0.25, gamma: 0.5, ignore_index: -1 },
    },
    {
      name: 'gamma 0',
      inputs: [{ shape: ['N', 3] }, { shape: ['N'], dtype: 'int32' }],
      fields: { kind: 'softmax', gamma: 0, alpha: 0.3 },
    },
  ],
  terms(context, inputs) {
    const [scores, labels] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, scores);
    return wordOf(context.fields, 'kind') === 'softmax'
      ? softmaxTerms(context, scores, labels)
      : sigmoidTerms(context, scores, labels);
  },
});

/** wrong^γ: held above 0, where a power below 1 has no gradient. */
function focus(context: LowerContext, wrong: Value): Value | undefined {
  const gamma = numberOf(context.fields, 'gamma');
  const m = Formula.in(context);
  return gamma === 0 ? undefined : m.pow(m.maximum(wrong, TINY), gamma);
}

function times(m: Formula, loss: Value, factor: Value | undefined): Value {
  return factor ? m.mul(loss, factor) : loss;
}

function sigmoidTerms(context: LowerContext, x: Value, labels: Value): Terms {
  const m = Formula.in(context);
  const { alpha, ignore_index: ignore } = context.fields;
  if (isNumbers(alpha)) context.fail(['alpha'], 'a list has one weight for each class, which is for `kind: softmax`');
  if (context.fields['axis'] !== undefined) context.fail(['axis'], 'with `kind: sigmoid` there is no axis of classes');
  let t = requireTargets(context, x, labels);
  const ignored = typeof ignore === 'number' ? m.equal(t, ignore) : undefined;
  if (ignored) t = m.where(ignored, 0, t);
  const not = m.sub(1, t);
  const entropy = m.add(m.mul(t, m.softplus(m.neg(x))), m.mul(not, m.softplus(x)));
  const wrong = m.add(m.mul(t, m.sigmoid(m.neg(x))), m.mul(not, m.sigmoid(x)));
  const balance = typeof alpha === 'number' ? m.add(m.mul(alpha, t), m.mul(1 - alpha, not)) : undefined;
  const loss = times(m, times(m, entropy, focus(context, wrong)), balance);
  if (!ignored) return { loss };
  const valid = m.where(ignored, 0, 1);
  return { loss: m.mul(loss, valid), valid };
}

function softmaxTerms(context: LowerContext, x: Value, labels: Value): Terms {
  const m = Formula.in(context);
  const axis = classAxis(context, x);
  const weights = alphaOfClasses(context, x.type.shape[axis] ?? 1);
  const logp = context.b.op('log_softmax', [x], { axis });
  const termOf = (log: Value): Value => times(m, m.neg(log), focus(context, m.neg(m.expm1(log))));
  if (isProbabilities(x, labels)) {
    if (context.fields['ignore_index'] !== undefined) {
      context.fail(['ignore_index'], 'labels that are probabilities have no number to ignore');
    }
    const along = x.type.shape.map((extent, i) => (i === axis ? extent : 1));
    const target = weights ? m.mul(labels, m.reshape(weights, weights.type.shape.length === 0 ? [] : along)) : labels;
    return { loss: m.sum(m.mul(target, termOf(logp)), [axis]) };
  }
  const own = classLabels(context, x, labels, axis);
  const loss = validOnly(context, termOf(pick(context, logp, own)), own);
  const factor = weights && (weights.type.shape.length === 0 ? weights : weightOfLabels(context, weights, own));
  return { loss: times(m, loss, factor), ...(own.valid ? { valid: own.valid } : {}) };
}

/** A scalar, a weight for each class, or nothing. */
function alphaOfClasses(context: LowerContext, classes: number): Value | undefined {
  const { b, fields } = context;
  const { alpha } = fields;
  if (typeof alpha === 'number') return b.full(alpha);
  if (!isNumbers(alpha)) return undefined;
  if (alpha.length !== classes) context.fail(['alpha'], `${alpha.length} weights are given for ${classes} classes`);
  return b.constant(alpha, [classes]);
}
