/** How far a predicted distribution is from a given one. */
import type { Value } from '../ir/graph';
import { axisOf } from '../layers/axis';
import { axisField, wordOf } from '../layers/fields';
import { Formula } from './formula';
import { defineTermLoss } from './reduction';
import { requireFloatPrediction, requireTargets } from './targets';

const FORMS = ['probabilities', 'log_probabilities', 'scores'];

export const klDivergence = defineTermLoss({
  type: 'kl_divergence',
  summary: 'Kullback-Leibler divergence of a predicted distribution from the target distribution.',
  details: [
    'Inputs: predictions and targets of the same shape. Σ t · (log t − log p) over `axis`: one term for each distribution; where t is 0 so is the summand.',
    "Scores go through a softmax along the axis: with both as scores this is the distillation of one network into another. Keras' KLDivergence takes probabilities, PyTorch's KLDivLoss log-probabilities and `reduction=batchmean`; PyTorch's own default divides by all elements instead, which is no divergence any more.",
  ].join('\n\n'),
  example: '{type: kl_divergence, inputs: [p, target]}',
  fields: {
    axis: axisField('The axis of a distribution.', 1),
    prediction: { description: 'What the predictions are.', enum: FORMS, default: 'probabilities' },
    target: { description: 'What the targets are.', enum: FORMS, default: 'probabilities' },
  },
  own: 2,
  samples: [
    {
      inputs: [
        { shape: ['N', 5], range: [0.1, 0.4] },
        { shape: ['N', 5], range: [0.1, 0.4] },
      ],
    },
    {
      name: 'logarithms',
      inputs: [{ shape: ['N', 3, 5] }, { shape: ['N', 3, 5] }],
      fields: { axis: -1, prediction: 'log_probabilities', target: 'log_probabilities' },
    },
    {
      name: 'scores',
      inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 3, 2] }],
      fields: { prediction: 'scores', target: 'scores' },
    },
    {
      name: 'targets of 0',
      inputs: [{ shape: ['N', 3] }, { shape: ['N', 3], values: [0, 0.25, 0.75, 1, 0, 0] }],
      fields: { prediction: 'scores' },
      wrt: [0],
    },
  ],
  terms(context, inputs) {
    const [prediction, targets] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, prediction);
    const axis = axisOf(context, prediction);
    const target = requireTargets(context, prediction, targets);
    const m = Formula.in(context);
    const logOf = (value: Value, form: string): Value =>
      form === 'scores' ? context.b.op('log_softmax', [value], { axis }) : value;
    const forms = [wordOf(context.fields, 'prediction'), wordOf(context.fields, 'target')] as const;
    const t = forms[1] === 'probabilities' ? target : m.exp(logOf(target, forms[1]));
    const entropy = forms[1] === 'probabilities' ? m.xlogy(t, t) : m.mul(t, logOf(target, forms[1]));
    const cross = forms[0] === 'probabilities' ? m.xlogy(t, prediction) : m.mul(t, logOf(prediction, forms[0]));
    return { loss: m.sum(m.sub(entropy, cross), [axis]) };
  },
});
