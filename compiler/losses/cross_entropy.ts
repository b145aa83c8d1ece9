/**
 * Cross-entropy of scores against class numbers or probabilities. The softmax is inside, in one op with the
 * logarithm, so that no probability can underflow to a loss of infinity.
 */
import { elementCount } from '../ir/types';
import type { Value } from '../ir/graph';
import { axisOf } from '../layers/axis';
import type { LowerContext } from '../layers/define';
import { axisField, numberOf, numbersOf } from '../layers/fields';
import { defineLoss } from './define';
import { isProbabilities, requireFloatPrediction, requireLabels, total } from './targets';

export const crossEntropy = defineLoss({
  type: 'cross_entropy',
  summary: 'Cross-entropy of class scores (before the softmax) against labels.',
  details: [
    'Inputs: scores [N, C, ...] and labels, either class numbers [N, ...] or probabilities [N, C, ...] in float32.',
    "The mean is over the labels that count, weighted by their class weights, as in PyTorch: ignored labels and their neighbours don't mix. With `label_smoothing` s the target is (1 − s) for the label plus s / C for every class. A label outside 0 … C − 1 that is not `ignore_index` stops the run with its position.",
  ].join('\n\n'),
  example: '{type: cross_entropy, inputs: [logits, label], label_smoothing: 0.1}',
  fields: {
    axis: axisField('The axis of the classes.', 1),
    label_smoothing: {
      description: 'Share of the target that is spread evenly over all classes.',
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: 0,
    },
    ignore_index: {
      description: 'Labels of this number do not count at all (255 in many segmentation sets).',
      type: 'integer',
    },
    class_weights: {
      description: 'One weight for each class.',
      type: 'array',
      items: { type: 'number', minimum: 0 },
      minItems: 1,
    },
  },
  arity: [2, 2],
  lower(context, inputs) {
    const [scores, labels] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, scores);
    const axis = axisOf(context, scores);
    const classes = scores.type.shape[axis] ?? 0;
    const weights = classWeights(context, classes);
    if (isProbabilities(scores, labels)) return fromProbabilities(context, scores, labels, axis, weights);
    if (labels.type.dtype === 'f32') {
      context.mismatch(
        'dtype',
        `labels of float32 are probabilities and need the shape of the scores, [${scores.type.shape.join(', ')}]`,
        'class numbers are integers: declare the input with `dtype: int32`',
      );
    }
    const numbers = requireLabels(context, scores, labels, axis);
    const ignore = context.fields['ignore_index'];
    const [loss, weight] = context.b.ops('softmax_cross_entropy', [scores, numbers, ...(weights ? [weights] : [])], {
      axis,
      label_smoothing: numberOf(context.fields, 'label_smoothing'),
      ...(typeof ignore === 'number' ? { ignore_index: ignore } : {}),
    }) as readonly [Value, Value];
    const isUniform = !weights && ignore === undefined;
    const count = isUniform ? context.b.full(elementCount(labels.type.shape)) : total(context, weight);
    return { sum: total(context, loss), count };
  },
});

function classWeights(context: LowerContext, classes: number): Value | undefined {
  if (context.fields['class_weights'] === undefined) return undefined;
  const weights = numbersOf(context.fields, 'class_weights');
  if (weights.length !== classes) {
    context.fail(['class_weights'], `${weights.length} weights are given for ${classes} classes`);
  }
  return context.b.constant(weights, [classes]);
}

function fromProbabilities(
  context: LowerContext,
  scores: Value,
  labels: Value,
  axis: number,
  weights: Value | undefined,
): { readonly sum: Value; readonly count: Value } {
  const { b, fields } = context;
  if (fields['ignore_index'] !== undefined) {
    context.fail(['ignore_index'], 'labels that are probabilities have no number to ignore');
  }
  const { shape } = scores.type;
  const classes = shape[axis] ?? 1;
  const smoothing = numberOf(fields, 'label_smoothing');
  let target = labels;
  if (smoothing !== 0) {
    const spread = b.full(smoothing / classes);
    target = b.op('add', [b.op('mul', [labels, b.full(1 - smoothing)]), spread]);
  }
  if (weights) {
    const along = shape.map((extent, i) => (i === axis ? extent : 1));
    target = b.op('mul', [target, b.op('reshape', [weights], { shape: along })]);
  }
  const terms = b.op('mul', [target, b.op('log_softmax', [scores], { axis })]);
  return { sum: b.op('neg', [total(context, terms)]), count: b.full(elementCount(shape) / classes) };
}
