/** Between cross-entropy and absolute error, for labels of which some are wrong. */
import type { Value } from '../ir/graph';
import { axisOf } from '../layers/axis';
import { axisField, numberOf } from '../layers/fields';
import { Formula } from './formula';
import { classLabels, ignoreField, pick, validOnly } from './labels';
import { defineTermLoss } from './reduction';
import { requireFloatPrediction } from './targets';

export const generalizedCrossEntropy = defineTermLoss({
  type: 'generalized_cross_entropy',
  summary: 'Cross-entropy that gives up on labels it cannot learn, for sets with wrong labels.',
  details: [
    'Inputs: scores [N, C, ...] and class numbers [N, ...]; one term for each label.',
    "(1 − p^q) / q with p = softmax(x)[label] (Zhang and Sabuncu 2018): cross-entropy as q goes to 0, half the absolute error at 1. Keras' CategoricalGeneralizedCrossEntropy takes probabilities instead of scores.",
  ].join('\n\n'),
  example: '{type: generalized_cross_entropy, inputs: [logits, label], q: 0.7}',
  fields: {
    axis: axisField('The axis of the classes.', 1),
    q: { description: 'Robustness.', type: 'number', exclusiveMinimum: 0, maximum: 1, default: 0.5 },
    ignore_index: ignoreField,
  },
  own: 2,
  samples: [
    { inputs: [{ shape: ['N', 5] }, { shape: ['N'], dtype: 'int32', range: [0, 4] }] },
    {
      name: 'pixels',
      inputs: [{ shape: ['N', 2, 3] }, { shape: ['N', 2], dtype: 'int32', values: [2, 255, 0] }],
      fields: { axis: 2, q: 0.7, ignore_index: 255 },
    },
  ],
  terms(context, inputs) {
    const [scores, labels] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, scores);
    const axis = axisOf(context, scores);
    const own = classLabels(context, scores, labels, axis);
    const m = Formula.in(context);
    const q = numberOf(context.fields, 'q');
    const logp = pick(context, context.b.op('log_softmax', [scores], { axis }), own);
    const loss = m.mul(-1 / q, m.expm1(m.mul(q, logp)));
    return { loss: validOnly(context, loss, own), ...(own.valid ? { valid: own.valid } : {}) };
  },
});
