/** The Jaccard index itself as a loss: its extension from sets to probabilities. */
import type { Value } from '../ir/graph';
import { elementCount } from '../ir/types';
import { axisOf } from '../layers/axis';
import { axisField, flag, flagOf, wordOf } from '../layers/fields';
import type { LowerContext } from '../layers/define';
import { defineLoss } from './define';
import { Formula } from './formula';
import { ignoreField } from './labels';
import { targetsOf } from './overlap';
import { reduceTerms, weighted } from './reduction';
import { requireFloatPrediction } from './targets';

const PLAIN = {
  inputs: [
    { shape: ['N', 3, 5] as const, separated: true },
    { shape: ['N', 5] as const, dtype: 'int32', values: [0, 2, 1, 1] },
  ],
};

export const lovasz = defineLoss({
  type: 'lovasz',
  summary: 'Loss whose minimum is the greatest intersection over union, for segmentation.',
  details: [
    'Inputs: predictions [N, C, ...] and class numbers [N, ...], or targets of 0 and 1 in the shape of the predictions (with `hinge` and C = 1: class numbers 0 and 1). With `per_sample` an optional third input [N] weighs the samples.',
    'For each class (and sample) the errors are sorted from the greatest and multiplied by how much the Jaccard index falls with each (Berman et al. 2018): with `softmax` and `probabilities` errors are |t − p|, with `hinge` max(0, 1 − x·(2t − 1)). The mean is over the classes that are present, or over all with `present: false`; `per_sample: false` takes the batch as one picture. Caffe, Keras and PyTorch have none.',
  ].join('\n\n'),
  example: '{type: lovasz, inputs: [logits, label]}',
  fields: {
    kind: {
      description:
        'What the predictions are: scores of classes that go through a softmax, probabilities, or scores whose sign decides.',
      enum: ['softmax', 'probabilities', 'hinge'],
      default: 'softmax',
    },
    axis: axisField('The axis of the classes.', 1),
    per_sample: flag('Each sample is a picture of its own; otherwise the batch is one.', true),
    present: flag('Classes that do not occur do not count.', true),
    ignore_index: ignoreField,
  },
  arity: [2, 3],
  samples: [
    PLAIN,
    weighted(PLAIN),
    {
      name: 'hinge, batch',
      inputs: [
        { shape: ['N', 1, 5], range: [-3, 3], separated: true },
        { shape: ['N', 5], dtype: 'int32', values: [0, 1, 9, 1] },
      ],
      fields: { kind: 'hinge', per_sample: false, present: false, ignore_index: 9 },
    },
    {
      name: 'probabilities, all classes',
      inputs: [
        { shape: ['N', 2, 3], range: [0.05, 0.95], separated: true },
        { shape: ['N', 2], dtype: 'int32', values: [0, 2, 9] },
      ],
      fields: { kind: 'probabilities', axis: -1, present: false, ignore_index: 9 },
    },
  ],
  lower(context, inputs) {
    const [prediction, targets, weights] = inputs as readonly [Value, Value, Value?];
    requireFloatPrediction(context, prediction);
    const perSample = flagOf(context.fields, 'per_sample');
    if (weights && !perSample) {
      context.mismatch('shape', 'with `per_sample: false` there are no terms for its third input to weigh');
    }
    const axis = axisOf(context, prediction, 1);
    const { target, counts } = targetsOf(context, prediction, targets, axis);
    const m = Formula.in(context);
    const errors = errorsOf(context, prediction, target, axis);
    const lines = (value: Value): Value => regionsAsLines(context, value, axis, perSample);
    // What is ignored has no error and is of no class: it comes behind all that matters.
    const all = context.b.full(1, prediction.type.shape);
    const loss = sortedLoss(context, lines(counts ? m.mul(errors, m.mul(counts, all)) : errors), lines(target));
    const regions = loss.type.shape[0] ?? 1;
    const shape = perSample ? [prediction.type.shape[0] ?? 1, prediction.type.shape[axis] ?? 1] : [regions];
    const terms = m.reshape(loss, shape);
    if (!flagOf(context.fields, 'present')) return reduceTerms(context, { loss: terms }, weights, 'mean');
    const occurs = m.greater(m.sum(lines(target), [1]), 0);
    const valid = m.reshape(m.where(occurs, 1, 0), shape);
    return reduceTerms(context, { loss: m.mul(terms, valid), valid }, weights, 'mean');
  },
});

function errorsOf(context: LowerContext, x: Value, target: Value, axis: number): Value {
  const m = Formula.in(context);
  const kind = wordOf(context.fields, 'kind');
  if (kind === 'hinge') return m.hinge(m.sub(1, m.mul(x, m.sub(m.mul(2, target), 1))));
  const p = kind === 'softmax' ? context.b.op('softmax', [x], { axis }) : x;
  return m.abs(m.sub(target, p));
}

/** [regions, pixels]: a region is a class, of a sample or of the batch. */
function regionsAsLines(context: LowerContext, value: Value, axis: number, perSample: boolean): Value {
  const { shape } = value.type;
  const front = perSample ? [0, axis] : [axis];
  const perm = [...front, ...shape.map((_, i) => i).filter((i) => !front.includes(i))];
  const regions = elementCount(front.map((i) => shape[i] ?? 1));
  const moved = perm.every((from, to) => from === to) ? value : context.b.op('transpose', [value], { perm });
  return Formula.in(context).reshape(moved, [regions, elementCount(shape) / regions]);
}

/**
 * Σ error · (fall of the index) over each line, the greatest error first. With I and U the intersection and the union
 * that are left after an element of target f, the index falls by (f·U + (1 − f)·I) / (U · (U − 1 + f)), which is
 * I′/U′ − I/U without the difference of two numbers near 1.
 */
function sortedLoss(context: LowerContext, errors: Value, target: Value): Value {
  const { b } = context;
  const m = Formula.in(context);
  const [sorted, order] = b.ops('sort', [errors], { axis: 1, descending: true }) as readonly [Value, Value];
  const own = b.op('stop_gradient', [b.op('gather_elements', [target, order], { axis: 1 })]);
  const others = m.sub(1, own);
  const total = m.sum(own, [1], true);
  const running = { axis: 1, reverse: false };
  const intersection = m.sub(total, b.op('cumsum', [own], { ...running, exclusive: false }));
  const before = m.add(total, b.op('cumsum', [others], { ...running, exclusive: true }));
  const union = m.add(before, others);
  const fall = m.div(m.add(m.mul(own, union), m.mul(others, intersection)), m.mul(union, m.maximum(before, 1e-6)));
  // Of a class that does not occur, the first pixel that is taken for it is the whole loss.
  return m.sum(m.mul(sorted, m.where(m.greater(before, 0), fall, 1)), [1]);
}
