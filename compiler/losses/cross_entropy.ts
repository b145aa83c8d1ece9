/**
 * Cross-entropy of scores against class numbers or probabilities. The softmax is inside, in one op with the
 * logarithm, so that no probability can underflow to a loss of infinity.
 */
import type { Value } from '../ir/graph';
import { axisOf } from '../layers/axis';
import type { LowerContext } from '../layers/define';
import { axisField, flag, flagOf, numberOf } from '../layers/fields';
import { Formula } from './formula';
import { classWeights, classWeightsField, ignoreField } from './labels';
import { defineTermLoss, type Terms } from './reduction';
import { isProbabilities, requireFloatPrediction, requireLabels } from './targets';

/** Keeps log(p) finite, as Keras does. */
const LEAST_PROBABILITY = 1e-7;

export const crossEntropy = defineTermLoss({
  type: 'cross_entropy',
  summary: 'Cross-entropy of class scores (before the softmax) against labels.',
  details: [
    'Inputs: scores [N, C, ...] and labels, either class numbers [N, ...] or probabilities [N, C, ...] in float32.',
    'loss = −log softmax(x)[label], one term for each label; the mean weighs the terms by their class weights, as in PyTorch: ignored labels and their neighbours do not mix. With `label_smoothing` s the target is (1 − s) for the label plus s / C for every class. A label outside 0 … C − 1 that is not `ignore_index` stops the run with its position.',
    'A label for each pixel: scores [N, C, H, W], labels [N, H, W]. A label for each token: scores [N, T, V] with `axis: -1`, labels [N, T], and either `ignore_index` for the padding or a mask [N, T] as third input; e to the power of the figure is then the perplexity.',
    "With `from_logits: false` the predictions are probabilities (the layer before is a softmax); they are held at 1e-7 and divided by their sum, as Keras does. Caffe's SoftmaxWithLoss is `normalization: valid`, and sums over everything but divides by N with `batch`. PyTorch's CrossEntropyLoss and Keras' (Sparse)CategoricalCrossentropy are the default, but Keras' mean of weighted samples is `full`.",
  ].join('\n\n'),
  example: '{type: cross_entropy, inputs: [logits, label], label_smoothing: 0.1}',
  fields: {
    axis: axisField('The axis of the classes.', 1),
    from_logits: flag('The predictions are scores, before the softmax.', true),
    label_smoothing: {
      description: 'Share of the target that is spread evenly over all classes.',
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: 0,
    },
    ignore_index: ignoreField,
    class_weights: classWeightsField,
  },
  own: 2,
  samples: [
    {
      inputs: [{ shape: ['N', 5] }, { shape: ['N'], dtype: 'int32', range: [0, 4] }],
      fields: { label_smoothing: 0.1 },
    },
    {
      name: 'pixels, some ignored, weighted classes',
      inputs: [{ shape: ['N', 3, 2, 3] }, { shape: ['N', 2, 3], dtype: 'int32', values: [0, 255, 2, 1, 2] }],
      fields: { ignore_index: 255, class_weights: [1, 0.5, 2] },
    },
    {
      name: 'tokens and their mask',
      inputs: [
        { shape: ['N', 3, 7] },
        { shape: ['N', 3], dtype: 'int64', range: [0, 6] },
        { shape: ['N', 3], dtype: 'bool', values: [1, 1, 0, 1] },
      ],
      fields: { axis: -1 },
    },
    {
      name: 'valid labels',
      inputs: [
        { shape: ['N', 3] },
        { shape: ['N'], dtype: 'int32', values: [2, -1, 0] },
        { shape: ['N'], range: [0.5, 1] },
      ],
      fields: { ignore_index: -1, normalization: 'valid' },
    },
    {
      name: 'from probabilities',
      inputs: [
        { shape: ['N', 3], range: [0.1, 0.9] },
        { shape: ['N'], dtype: 'int32' },
      ],
      fields: { from_logits: false },
    },
    {
      name: 'against probabilities',
      inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 3, 2], range: [0, 1] }],
      fields: { label_smoothing: 0.2, class_weights: [1, 0, 2] },
    },
  ],
  terms(context, inputs) {
    const [predictions, labels] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, predictions);
    const axis = axisOf(context, predictions);
    const weights = classWeights(context, predictions.type.shape[axis] ?? 0);
    const m = Formula.in(context);
    const scores = flagOf(context.fields, 'from_logits')
      ? predictions
      : m.log(m.maximum(predictions, LEAST_PROBABILITY));
    if (isProbabilities(scores, labels)) return fromProbabilities(context, scores, labels, axis, weights);
    if (labels.type.dtype === 'f32') {
      context.mismatch(
        'dtype',
        `labels of float32 are probabilities and need the shape of the scores, [${scores.type.shape.join(', ')}]`,
        'class numbers are integers: declare the input with `dtype: int32`',
      );
    }
    const numbers = requireLabels(context, predictions, labels, axis);
    const ignore = context.fields['ignore_index'];
    const ignores = typeof ignore === 'number';
    const [loss, weight] = context.b.ops('softmax_cross_entropy', [scores, numbers, ...(weights ? [weights] : [])], {
      axis,
      label_smoothing: numberOf(context.fields, 'label_smoothing'),
      ...(ignores ? { ignore_index: ignore } : {}),
    }) as readonly [Value, Value];
    const valid = ignores ? m.indicator(m.notEqual(numbers, context.b.full(ignore, [], 'i32'))) : undefined;
    return { loss, ...(weights ? { weight } : {}), ...(valid ? { valid } : {}) };
  },
});

function fromProbabilities(
  context: LowerContext,
  scores: Value,
  labels: Value,
  axis: number,
  weights: Value | undefined,
): Terms {
  const { b, fields } = context;
  if (fields['ignore_index'] !== undefined) {
    context.fail(['ignore_index'], 'labels that are probabilities have no number to ignore');
  }
  const m = Formula.in(context);
  const { shape } = scores.type;
  const classes = shape[axis] ?? 1;
  const smoothing = numberOf(fields, 'label_smoothing');
  let target = smoothing === 0 ? labels : m.add(m.mul(labels, 1 - smoothing), smoothing / classes);
  if (weights) {
    const along = shape.map((extent, i) => (i === axis ? extent : 1));
    target = m.mul(target, m.reshape(weights, along));
  }
  return { loss: m.neg(m.sum(m.mul(target, b.op('log_softmax', [scores], { axis })), [axis])) };
}
