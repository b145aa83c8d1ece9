/** Cross-entropy of independent yes-or-no predictions, from scores or from probabilities. */
import type { Value } from '../ir/graph';
import type { LowerContext } from '../layers/define';
import { flag, flagOf, isNumbers, numberOf } from '../layers/fields';
import { Formula } from './formula';
import { defineTermLoss } from './reduction';
import { requireFloatPrediction, requireTargets } from './targets';

/** Keeps log(p) and log(1 − p) finite in float32. */
const LEAST_PROBABILITY = 1e-7;

export const binaryCrossEntropy = defineTermLoss({
  type: 'binary_cross_entropy',
  summary: 'Cross-entropy of independent yes-or-no predictions against targets from 0 to 1.',
  details: [
    'Inputs: predictions and targets of the same shape; one term for each element.',
    'From scores x: max(x, 0) − x·t + log(1 + exp(−|x|)), which neither overflows nor loses precision; a `positive_weight` w multiplies the part of t. With `from_logits: false` the predictions are probabilities (the layer before is a sigmoid), held 1e-7 away from 0 and 1 as in Keras; PyTorch holds the logarithm at −100 instead.',
    "Caffe's SigmoidCrossEntropyLoss is `normalization: batch`: it divides by the number of samples alone. PyTorch's MultiLabelSoftMarginLoss is this loss too.",
  ].join('\n\n'),
  example: '{type: binary_cross_entropy, inputs: [score, target]}',
  fields: {
    from_logits: flag('The predictions are scores, before the sigmoid.', true),
    positive_weight: {
      description:
        'Factor of the positive part: more than 1 where positives are rare. One number, or one for each element of axis 1.',
      anyOf: [
        { type: 'number', exclusiveMinimum: 0 },
        { type: 'array', items: { type: 'number', minimum: 0 }, minItems: 1 },
      ],
      default: 1,
    },
    label_smoothing: {
      description: 'Share of each target that is replaced by ½.',
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: 0,
    },
    ignore_index: { description: 'Targets of this number do not count at all.', type: 'number' },
  },
  own: 2,
  samples: [
    { inputs: [{ shape: ['N', 5] }, { shape: ['N', 5], range: [0, 1] }] },
    {
      name: 'weighted positives',
      inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 3, 2], range: [0, 1] }],
      fields: { positive_weight: [1, 2, 0.5], label_smoothing: 0.1 },
    },
    {
      name: 'some ignored',
      inputs: [{ shape: ['N', 7] }, { shape: ['N', 7], dtype: 'int32', values: [0, 1, 255] }],
      fields: { positive_weight: 3, ignore_index: 255 },
    },
    {
      name: 'probabilities',
      inputs: [
        { shape: ['N', 5], range: [0.1, 0.9] },
        { shape: ['N', 5], range: [0, 1] },
      ],
      fields: { from_logits: false, positive_weight: 2 },
    },
  ],
  terms(context, inputs) {
    const [prediction, labels] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, prediction);
    const m = Formula.in(context);
    let target = requireTargets(context, prediction, labels);
    const ignore = context.fields['ignore_index'];
    const ignored = typeof ignore === 'number' ? m.equal(target, ignore) : undefined;
    if (ignored) target = m.where(ignored, 0, target);
    const smoothing = numberOf(context.fields, 'label_smoothing');
    if (smoothing !== 0) target = m.add(m.mul(target, 1 - smoothing), smoothing / 2);
    const weight = positiveWeight(context, prediction);
    const loss = flagOf(context.fields, 'from_logits')
      ? fromScores(m, prediction, target, weight)
      : fromProbabilities(m, prediction, target, weight);
    if (!ignored) return { loss };
    const valid = m.where(ignored, 0, 1);
    return { loss: m.mul(loss, valid), valid };
  },
});

/** Undefined for 1; a list along axis 1. */
function positiveWeight(context: LowerContext, { type: { shape } }: Value): Value | undefined {
  const given = context.fields['positive_weight'];
  if (!isNumbers(given)) {
    const weight = numberOf(context.fields, 'positive_weight');
    return weight === 1 ? undefined : context.b.full(weight);
  }
  if (given.length !== shape[1]) {
    context.fail(['positive_weight'], `${given.length} weights are given for ${shape[1] ?? 'no'} elements of axis 1`);
  }
  return context.b.constant(
    given,
    shape.map((extent, axis) => (axis === 1 ? extent : 1)),
  );
}

function fromScores(m: Formula, x: Value, target: Value, weight: Value | undefined): Value {
  const tail = m.log1p(m.exp(m.neg(m.abs(x))));
  if (!weight) return m.add(m.sub(m.maximum(x, 0), m.mul(x, target)), tail);
  // −w·t·log σ(x) − (1 − t)·log(1 − σ(x)), where −log σ(x) = max(−x, 0) + tail.
  const factor = m.add(1, m.mul(m.sub(weight, 1), target));
  return m.add(m.mul(m.sub(1, target), x), m.mul(factor, m.add(tail, m.maximum(m.neg(x), 0))));
}

function fromProbabilities(m: Formula, p: Value, target: Value, weight: Value | undefined): Value {
  const inside = m.minimum(m.maximum(p, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY);
  const yes = m.mul(target, m.log(inside));
  const no = m.mul(m.sub(1, target), m.log1p(m.neg(inside)));
  return m.neg(m.add(weight ? m.mul(weight, yes) : yes, no));
}
