/** What losses of detectors have in common: the loss of boxes, and what the sums over all priors are divided by. */
import type { FieldSchema } from '../frontend/describe';
import type { Value } from '../ir/graph';
import { sameShape } from '../ir/types';
import type { LowerContext } from '../layers/define';
import { BoxMath, OVERLAPS, type Overlap } from '../layers/detection/boxes';
import { byMatch, harmless, matchedOnly, matchedTruth, type Matching, type Truth } from '../layers/detection/matching';
import { wordOf } from '../layers/fields';
import { Formula } from './formula';
import type { Accumulated } from './reduction';
import { total } from './targets';
import { tableOf } from '../layers/table';

export const detectionNormalization: FieldSchema = {
  description:
    "What sums are divided by: the number of `positives`, priors with a true box, of the whole batch (Caffe's SSD, torchvision's SSD), or of each `image`, and then the mean over images (torchvision's RetinaNet). At least 1.",
  enum: ['positives', 'image'],
  default: 'positives',
};

/** The matched boxes and classes of every prior, with what they are worth. */
export interface Assigned {
  readonly index: Value;
  /** f32 [N, P]: 1 where there is a true box. */
  readonly positive: Value;
  /** True boxes [N, P, 4], with an area wherever there is none. */
  readonly boxes: Value;
  /** i32 [N, P], the class where there is a true box, else `none`. */
  readonly classes: Value;
}

export function assigned(context: LowerContext, { index }: Matching, truth: Truth, none: number): Assigned {
  const own = matchedTruth(context, index, truth);
  return {
    index,
    positive: matchedOnly(context, index),
    boxes: context.b.op('stop_gradient', [harmless(context, index, own.boxes)]),
    classes: byMatch(context, index, { matched: own.classes, none, undecided: none }),
  };
}

export const overlapWord = (word: string): Overlap | undefined => OVERLAPS.find((one) => one === word);

/** 1 − overlap of predicted and true boxes [N, P, 4]: one number for each prior. */
export function overlapLoss(context: LowerContext, boxes: Value, truth: Value, kind: Overlap): Value {
  const m = BoxMath.in(context);
  return m.sub(1, m.overlap(m.sides(boxes), m.sides(truth), kind));
}

/** 1 for the class of each prior with a true box, [N, P, C]; a class that is none of them stops the run. */
export function classTargets(context: LowerContext, scores: Value, { classes, positive }: Assigned): Value {
  const { b } = context;
  const m = Formula.in(context);
  const [samples = 1, count = 1, width = 1] = scores.type.shape;
  const real = b.op('gather', [b.full(1, [width]), classes], { axis: 0, batch_dims: 0 });
  const numbers = b.constant(
    tableOf(width, (c) => c),
    [width],
    'i32',
  );
  const own = m.equal(m.reshape(classes, [samples, count, 1]), numbers);
  return m.mul(m.indicator(own), m.reshape(m.mul(real, positive), [samples, count, 1]));
}

/** −log of the probability of 0-or-1 targets, by their scores. */
export function binaryEntropy(m: Formula, scores: Value, targets: Value): Value {
  return m.add(m.mul(targets, m.softplus(m.neg(scores))), m.mul(m.sub(1, targets), m.softplus(scores)));
}

/** Terms [N, ...] summed and divided as `normalization` says. */
export function normalized(context: LowerContext, terms: readonly Value[], positive: Value): Accumulated {
  const { b } = context;
  const m = Formula.in(context);
  const add = (parts: readonly Value[]): Value => parts.reduce((sum, part) => m.add(sum, part));
  if (wordOf(context.fields, 'normalization') === 'positives') {
    return { sum: add(terms.map((term) => total(context, term))), count: m.maximum(total(context, positive), 1) };
  }
  const each = m.div(add(terms.map((term) => m.sumOfEach(term))), m.maximum(m.sumOfEach(positive), 1));
  return { sum: total(context, each), count: b.full(positive.type.shape[0] ?? 1) };
}

/** Predictions for each prior: [N, P, width], or any width. */
export function requirePredictions(
  context: LowerContext,
  value: Value,
  what: string,
  like: Value | undefined,
  width?: number,
): void {
  const { shape, dtype } = value.type;
  if (dtype !== 'f32') context.mismatch('dtype', `its ${what} should be float32`);
  const wanted = [...(like?.type.shape.slice(0, 2) ?? shape.slice(0, 2)), width ?? shape[2] ?? 1];
  if (shape.length !== 3 || !sameShape(shape, wanted)) {
    context.mismatch('shape', `its ${what} should be [${[...wanted.slice(0, 2), width ?? 'C'].join(', ')}]`);
  }
}

export function requirePriorsOf(context: LowerContext, priors: Value, predictions: Value): void {
  const { shape } = priors.type;
  if (priors.type.dtype === 'f32' && sameShape(shape, [predictions.type.shape[1] ?? 1, 4])) return;
  context.mismatch('shape', `its priors should be [${predictions.type.shape[1]}, 4], one for each prediction`);
}
