/** Negative log-likelihood of labels, from log-probabilities and from probabilities. */
import type { Value } from '../ir/graph';
import { axisOf } from '../layers/axis';
import type { LowerContext } from '../layers/define';
import { axisField } from '../layers/fields';
import { Formula } from './formula';
import { classLabels, classWeights, classWeightsField, ignoreField, pick, validOnly, weightOfLabels } from './labels';
import { defineTermLoss, type Terms } from './reduction';
import { requireFloatPrediction } from './targets';

/** As Caffe's kLOG_THRESHOLD. */
const LEAST_PROBABILITY = 1e-20;

const FIELDS = {
  axis: axisField('The axis of the classes.', 1),
  ignore_index: ignoreField,
  class_weights: classWeightsField,
};

export const nll = defineTermLoss({
  type: 'nll',
  summary: 'Negative log-likelihood of labels, from log-probabilities.',
  details: [
    'Inputs: log-probabilities [N, C, ...] and class numbers [N, ...]; one term for each label.',
    "−x[label], with class weights in the mean, as PyTorch's NLLLoss. After a log-softmax, `cross_entropy` is the same, and faster; this one is for log-probabilities that come from elsewhere.",
  ].join('\n\n'),
  example: '{type: nll, inputs: [logp, label]}',
  fields: FIELDS,
  own: 2,
  samples: [
    {
      inputs: [
        { shape: ['N', 5], range: [-3, 0] },
        { shape: ['N'], dtype: 'int32', range: [0, 4] },
      ],
    },
    {
      name: 'pixels, weighted, some ignored',
      inputs: [
        { shape: ['N', 2, 3], range: [-3, 0] },
        { shape: ['N', 2], dtype: 'int64', values: [2, -1, 0] },
      ],
      fields: { axis: -1, ignore_index: -1, class_weights: [1, 0, 2] },
    },
  ],
  terms: (context, inputs) => likelihood(context, inputs, (log) => log),
});

export const multinomialLogistic = defineTermLoss({
  type: 'multinomial_logistic',
  summary: 'Negative log-likelihood of labels, from probabilities.',
  details: [
    'Inputs: probabilities [N, C, ...], as a softmax gives them, and class numbers [N, ...]; one term for each label.',
    "−log max(p[label], 1e-20), as Caffe's MultinomialLogisticLoss. Scores and `cross_entropy` lose fewer digits; `cross_entropy` with `from_logits: false` takes probabilities too and divides them by their sum.",
  ].join('\n\n'),
  example: '{type: multinomial_logistic, inputs: [p, label]}',
  fields: FIELDS,
  own: 2,
  samples: [
    {
      inputs: [
        { shape: ['N', 5], range: [0.1, 0.9] },
        { shape: ['N'], dtype: 'int32', range: [0, 4] },
      ],
    },
    {
      name: 'weighted, some ignored',
      inputs: [
        { shape: ['N', 3, 2], range: [0.1, 0.9] },
        { shape: ['N', 2], dtype: 'int32', values: [2, 9, 0] },
      ],
      fields: { ignore_index: 9, class_weights: [1, 0, 2] },
    },
  ],
  terms(context, inputs) {
    const m = Formula.in(context);
    return likelihood(context, inputs, (p) => m.log(m.maximum(p, LEAST_PROBABILITY)));
  },
});

function likelihood(context: LowerContext, inputs: readonly Value[], log: (x: Value) => Value): Terms {
  const [x, labels] = inputs as readonly [Value, Value];
  requireFloatPrediction(context, x);
  const axis = axisOf(context, x);
  const m = Formula.in(context);
  const weights = classWeights(context, x.type.shape[axis] ?? 0);
  const own = classLabels(context, x, labels, axis);
  const loss = validOnly(context, m.neg(log(pick(context, x, own))), own);
  const valid = own.valid ? { valid: own.valid } : {};
  if (!weights) return { loss, ...valid };
  const weight = weightOfLabels(context, weights, own);
  return { loss: m.mul(loss, weight), weight, ...valid };
}
