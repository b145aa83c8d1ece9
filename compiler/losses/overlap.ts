/** How much a predicted region and the true one overlap: what the Dice and Tversky losses are made of. */
import type { FieldSchema, Sample } from '../frontend/describe';
import type { Value } from '../ir/graph';
import { sameShape } from '../ir/types';
import type { LowerContext } from '../layers/define';
import { flag, flagOf, numberOf, wordOf } from '../layers/fields';
import { defineLoss, type LossDef } from './define';
import { Formula } from './formula';
import { classAxis, classLabels, ignoreField, ownClass, unsetAxis, weightOfLabels } from './labels';
import { reduceTerms, weighted } from './reduction';
import { requireFloatPrediction, requireTargets } from './targets';

export interface Overlap {
  /** Σ p·t, Σ p·(1 − t) and Σ (1 − p)·t over each region. */
  readonly both: Value;
  readonly onlyPredicted: Value;
  readonly onlyTrue: Value;
}

interface OverlapLoss extends Pick<LossDef, 'type' | 'summary' | 'details' | 'example' | 'fields' | 'samples'> {
  readonly loss: (m: Formula, overlap: Overlap, smooth: number, context: LowerContext) => Value;
}

const FIELDS: Readonly<Record<string, FieldSchema>> = {
  kind: {
    description:
      'What the predictions are: scores of which each goes through a sigmoid, scores of classes that go through a softmax, or probabilities.',
    enum: ['sigmoid', 'softmax', 'probabilities'],
    default: 'sigmoid',
  },
  axis: unsetAxis('The axis of the classes.'),
  per_sample: flag('One ratio for each sample; otherwise the batch is one region.', true),
  per_class: flag('One ratio for each class; otherwise all classes are one region.', true),
  smooth: {
    description: 'Added above and below the fraction: a region that is empty, and predicted so, has a loss of 0.',
    type: 'number',
    minimum: 0,
    default: 1e-5,
  },
  ignore_index: ignoreField,
};

const INPUTS =
  'Inputs: predictions [N, C, ...] and targets from 0 to 1 of the same shape, or class numbers [N, ...] (for C = 1 with a sigmoid: 0 and 1). With `per_sample` an optional third input [N] weighs the samples.';
const KERAS =
  'The mean is over the ratios. Keras has one ratio for everything (`per_sample: false, per_class: false, kind: probabilities`) and adds 1e-7 below the fraction only; PyTorch has none.';

const OWN_SAMPLES: readonly Sample[] = [
  {
    name: 'classes, pixels',
    inputs: [{ shape: ['N', 3, 2, 3] }, { shape: ['N', 2, 3], dtype: 'int32', values: [0, 2, 255, 1, 1] }],
    fields: { kind: 'softmax', ignore_index: 255, smooth: 0.1 },
  },
  {
    name: 'one channel',
    inputs: [{ shape: ['N', 1, 5] }, { shape: ['N', 5], dtype: 'int32', values: [0, 1, 1] }],
    fields: { per_class: false },
  },
  {
    name: 'one region',
    inputs: [
      { shape: ['N', 3], range: [0, 1] },
      { shape: ['N', 3], range: [0, 1] },
    ],
    fields: { kind: 'probabilities', per_sample: false, per_class: false },
  },
  {
    name: 'classes over the batch',
    inputs: [{ shape: ['N', 3, 5] }, { shape: ['N', 3], dtype: 'int32', values: [0, 4, 2, 3] }],
    fields: { kind: 'softmax', axis: -1, per_sample: false },
  },
];

export function defineOverlapLoss({ loss, samples = [], ...def }: OverlapLoss): LossDef {
  const plain: Sample = { inputs: [{ shape: ['N', 3, 5] }, { shape: ['N', 3, 5], range: [0, 1] }] };
  return defineLoss({
    ...def,
    details: [INPUTS, def.details ?? '', KERAS].join('\n\n'),
    fields: { ...def.fields, ...FIELDS },
    arity: [2, 3],
    samples: [plain, weighted(plain), ...OWN_SAMPLES, ...samples],
    lower(context, inputs) {
      const [prediction, targets, weights] = inputs as readonly [Value, Value, Value?];
      requireFloatPrediction(context, prediction);
      if (weights && !flagOf(context.fields, 'per_sample')) {
        context.mismatch('shape', 'with `per_sample: false` there are no terms for its third input to weigh');
      }
      const overlap = overlapOf(context, prediction, targets);
      const terms = loss(Formula.in(context), overlap, numberOf(context.fields, 'smooth'), context);
      return reduceTerms(context, { loss: terms }, weights, 'mean');
    },
  });
}

function overlapOf(context: LowerContext, prediction: Value, targets: Value): Overlap {
  const m = Formula.in(context);
  const axis = classAxis(context, prediction, 1);
  const classes = prediction.type.shape[axis] ?? 1;
  if (
    wordOf(context.fields, 'kind') === 'sigmoid' &&
    classes > 1 &&
    targets.type.shape.length < prediction.type.shape.length
  ) {
    context.fail(['kind'], `class numbers say that one of ${classes} classes is true: write \`kind: softmax\``);
  }
  const { target, counts } = targetsOf(context, prediction, targets, axis);
  const all = probabilities(context, prediction, axis);
  const p = counts ? m.mul(all, counts) : all;
  const [perSample, perClass] = [flagOf(context.fields, 'per_sample'), flagOf(context.fields, 'per_class')];
  const isIdle =
    !perClass && wordOf(context.fields, 'kind') !== 'softmax' && sameShape(targets.type.shape, prediction.type.shape);
  if (isIdle && context.fields['axis'] !== undefined) {
    context.fail(['axis'], 'with `per_class: false` and targets in the shape of the predictions no axis matters');
  }
  const axes = prediction.type.shape
    .map((_, i) => i)
    .filter((i) => !(i === 0 && perSample) && !(i === axis && perClass));
  const both = m.mul(p, target);
  return {
    both: m.sum(both, axes),
    onlyPredicted: m.sum(m.sub(p, both), axes),
    onlyTrue: m.sum(m.sub(target, both), axes),
  };
}

function probabilities(context: LowerContext, x: Value, axis: number): Value {
  const kind = wordOf(context.fields, 'kind');
  if (kind === 'probabilities') return x;
  return kind === 'softmax' ? context.b.op('softmax', [x], { axis }) : context.b.op('sigmoid', [x]);
}

/** The targets in the shape of the predictions, 0 where they are ignored; if some are, 1 for those that are not. */
export function targetsOf(
  context: LowerContext,
  prediction: Value,
  targets: Value,
  axis: number,
): { readonly target: Value; readonly counts?: Value } {
  const m = Formula.in(context);
  const { shape } = prediction.type;
  const ignore = context.fields['ignore_index'];
  const withoutAxis = shape.filter((_, i) => i !== axis);
  const isOneChannel = shape[axis] === 1 && sameShape(targets.type.shape, withoutAxis);
  if (isOneChannel || sameShape(targets.type.shape, shape)) {
    const target = requireTargets(context, prediction, isOneChannel ? m.reshape(targets, shape) : targets);
    if (typeof ignore !== 'number') return { target };
    const ignored = m.equal(target, ignore);
    return { target: m.where(ignored, 0, target), counts: m.where(ignored, 0, 1) };
  }
  const labels = classLabels(context, prediction, targets, axis);
  const kept = shape.map((extent, i) => (i === axis ? 1 : extent));
  // Looked up, so that a label outside of the classes is found out; 0 where it is ignored.
  const counts = m.reshape(weightOfLabels(context, context.b.full(1, [shape[axis] ?? 1]), labels), kept);
  const own = m.mul(m.indicator(ownClass(context, prediction, labels)), counts);
  return { target: own, ...(labels.valid ? { counts } : {}) };
}
