/** The loss of detectors with priors: which priors answer for which true box, how well they name and place it. */
import type { Sample } from '../frontend/describe';
import type { Fields, Json } from '../frontend/spec';
import type { Value } from '../ir/graph';
import type { LowerContext } from '../layers/define';
import {
  BoxMath,
  codingField,
  codingOf,
  limitField,
  limitOf,
  requireBoxes,
  variancesField,
  variancesOf,
} from '../layers/detection/boxes';
import { matchFields, matchingOf, requireTruth, TRUTH } from '../layers/detection/matching';
import { fixed, PRIORS, TRUTHS } from '../layers/detection/samples';
import { numberOf, wordOf } from '../layers/fields';
import { defineLoss } from './define';
import {
  assigned,
  binaryEntropy,
  classTargets,
  detectionNormalization,
  normalized,
  overlapLoss,
  overlapWord,
  requirePredictions,
  requirePriorsOf,
  type Assigned,
} from './detections';
import { Formula, TINY } from './formula';
import { huberOf } from './huber';

/** Fields that one kind of class loss has, and their defaults. */
const SOFTMAX = { negative_ratio: 3, background: 0 } as const;
const FOCAL = { gamma: 2, alpha: 0.25 } as const;

function multiboxSample(name: string, fields: Fields, more: Parameters<typeof fixed>[0] = []): Sample {
  return fixed(
    [
      { shape: ['N', 5, 4] },
      { shape: ['N', 5, 4], separated: true },
      { boxes: PRIORS },
      { shape: ['N', 3, 4], values: TRUTHS },
      { shape: ['N', 3], dtype: 'int32', values: [2, 1, -1, 3, -1, -1, -1, -1, -1] },
      ...more,
    ],
    { name, fields, wrt: [0, 1] },
  );
}

export const multibox = defineLoss({
  type: 'multibox',
  summary: 'The loss of SSD and RetinaNet: matches priors with true boxes, and compares classes and places.',
  details: [
    `Inputs: differences [N, P, 4], class scores [N, P, C], priors [P, 4], true boxes, their classes, and variances [P, 4] if they are not a field. ${TRUTH}`,
    'The places of priors with a true box are compared with it, as `encode_boxes` writes it (or, for `iou` and its relatives, as boxes). `class_loss: softmax`: cross-entropy of those priors, and of as many others as `negative_ratio` says, those of each image that are most wrong (Liu et al. 2016); priors without a true box are of class `background`, true classes count beside it. `class_loss: focal`: focal loss of a sigmoid for every class, over all priors (Lin et al. 2017). The sum of both is divided by the number of priors with a true box.',
    "Caffe's MultiBoxLoss (mining_type MAX_NEGATIVE, its neg_overlap is `low_threshold`), whose defaults these are; torchvision's SSD is `force: best`; its RetinaNet `class_loss: focal, box_loss: l1, force: every_best, low_threshold: 0.4, variances: 1, normalization: image`.",
  ].join('\n\n'),
  example: '{type: multibox, inputs: [locations, confidences, priors, boxes, classes]}',
  fields: {
    ...matchFields,
    class_loss: {
      description: 'How classes are compared.',
      enum: ['softmax', 'focal'],
      default: 'softmax',
    },
    background: {
      description: `With softmax, the class of priors without a true box. Default: ${SOFTMAX.background}.`,
      type: 'integer',
      minimum: 0,
    },
    negative_ratio: {
      description: `With softmax, how many priors without a true box count for each with one. Default: ${SOFTMAX.negative_ratio}.`,
      type: 'number',
      exclusiveMinimum: 0,
    },
    gamma: {
      description: `With focal, how strongly what is known is left out. Default: ${FOCAL.gamma}.`,
      type: 'number',
      minimum: 0,
    },
    alpha: {
      description: `With focal, the weight of what is there; 1 − alpha is that of what is not. Default: ${FOCAL.alpha}.`,
      type: 'number',
      minimum: 0,
      maximum: 1,
    },
    box_loss: {
      description: 'How places are compared: number by number, or 1 − the overlap of the boxes (see `box_iou`).',
      enum: ['smooth_l1', 'l1', 'iou', 'giou', 'diou', 'ciou'],
      default: 'smooth_l1',
    },
    beta: {
      description:
        'With smooth_l1, where its two parts meet. Default: 1; torchvision and Detectron have 1/9 elsewhere.',
      type: 'number',
      exclusiveMinimum: 0,
    },
    box_weight: {
      description: "The weight of the loss of places (Caffe's loc_weight).",
      type: 'number',
      minimum: 0,
      default: 1,
    },
    coding: codingField,
    variances: variancesField,
    limit: limitField,
    normalization: detectionNormalization,
  },
  arity: [5, 6],
  samples: [
    multiboxSample('as in SSD', {}),
    multiboxSample('boxes that overlap', { box_loss: 'giou', negative_ratio: 0.5, low_threshold: 0.1, variances: 1 }),
    multiboxSample(
      'variances as an input',
      { box_loss: 'diou', coding: 'corner', force: 'best', threshold: 0.3, box_weight: 0.5 },
      [{ boxes: Array.from({ length: 20 }, (_, i) => (1 + (i % 4)) / 8) }],
    ),
    multiboxSample('as in RetinaNet', {
      class_loss: 'focal',
      box_loss: 'l1',
      force: 'every_best',
      low_threshold: 0.25,
      normalization: 'image',
      variances: 1,
    }),
    multiboxSample('plain sigmoid', { class_loss: 'focal', gamma: 0, alpha: 0.6, beta: 0.1, box_loss: 'smooth_l1' }),
    multiboxSample('nothing is forced', { force: 'none', threshold: 0.9, background: 0, box_loss: 'iou' }),
  ],
  lower(context, inputs) {
    const [locations, scores, priors, boxes, classes] = inputs as readonly [Value, Value, Value, Value, Value];
    requirePredictions(context, locations, 'locations', undefined, 4);
    requirePredictions(context, scores, 'class scores', locations);
    requirePriorsOf(context, priors, locations);
    requireTruth(context, { boxes, classes });
    const isFocal = wordOf(context.fields, 'class_loss') === 'focal';
    for (const field of Object.keys(isFocal ? SOFTMAX : FOCAL)) {
      if (context.fields[field] === undefined) continue;
      context.fail([field], `it has no effect with \`class_loss: ${isFocal ? 'focal' : 'softmax'}\``);
    }
    const own = { ...context, fields: { ...(isFocal ? FOCAL : SOFTMAX), ...context.fields } };
    const matching = matchingOf(own, priors, { boxes, classes });
    const target = assigned(own, matching, { boxes, classes }, isFocal ? 0 : backgroundOf(own, scores));
    const terms = isFocal ? focalTerms(own, scores, target) : minedTerms(own, scores, target);
    return normalized(own, [terms, boxTerms(own, locations, priors, inputs[5], target)], target.positive);
  },
});

function backgroundOf(context: LowerContext, scores: Value): number {
  const background = numberOf(context.fields, 'background');
  const classes = scores.type.shape[2] ?? 0;
  if (background >= classes) context.fail(['background'], `there are ${classes} classes, numbered from 0`);
  return background;
}

/** Cross-entropy of the priors with a true box and of the hardest of the others, [N, P]. */
function minedTerms(context: LowerContext, scores: Value, { classes, positive, index }: Assigned): Value {
  const { b } = context;
  const m = Formula.in(context);
  const [entropy] = b.ops('softmax_cross_entropy', [scores, classes], { axis: 2, label_smoothing: 0 }) as [Value];
  const isNegative = m.equal(index, b.full(-1, [], 'i32'));
  const hardness = m.where(isNegative, b.op('stop_gradient', [entropy]), -1);
  // The place of each among all: sorting says who is first, sorting that says where each one went.
  const [, order] = b.ops('sort', [hardness], { axis: 1, descending: true }) as readonly [Value, Value];
  const [, place] = b.ops('sort', [order], { axis: 1, descending: false }) as readonly [Value, Value];
  const wanted = m.mul(m.sum(positive, [1], true), numberOf(context.fields, 'negative_ratio'));
  const isHard = m.op('less', m.indicator(place), wanted);
  const counted = m.add(positive, m.indicator(m.and(isHard, isNegative)));
  return m.mul(entropy, b.op('stop_gradient', [counted]));
}

/** Focal loss of each class of each prior that counts, [N, P, C]. */
function focalTerms(context: LowerContext, scores: Value, target: Assigned): Value {
  const { b, fields } = context;
  const m = Formula.in(context);
  const [samples = 1, count = 1] = scores.type.shape;
  const t = classTargets(context, scores, target);
  const not = m.sub(1, t);
  const [gamma, alpha] = [numberOf(fields, 'gamma'), numberOf(fields, 'alpha')];
  const weight = m.add(m.mul(alpha, t), m.mul(1 - alpha, not));
  const isCounted = m.indicator(m.greaterEqual(target.index, b.full(-1, [], 'i32')));
  const entropy = m.mul(binaryEntropy(m, scores, t), m.mul(weight, m.reshape(isCounted, [samples, count, 1])));
  if (gamma === 0) return entropy;
  const wrong = m.add(m.mul(t, m.sigmoid(m.neg(scores))), m.mul(not, m.sigmoid(scores)));
  return m.mul(entropy, m.pow(m.maximum(wrong, TINY), gamma));
}

/** The loss of the places of priors with a true box: [N, P, 4], or [N, P] for overlaps. */
function boxTerms(
  context: LowerContext,
  locations: Value,
  priors: Value,
  variances: Value | undefined,
  target: Assigned,
): Value {
  const { fields, b } = context;
  const m = BoxMath.in(context);
  const word = wordOf(fields, 'box_loss');
  if (variances) requireBoxes(context, variances, 'variances');
  const divisors = variancesOf(context, variances);
  const coding = codingOf(context);
  const overlap = overlapWord(word);
  const refuse = (field: string, why: string, value: Json | undefined = fields[field]): void => {
    if (value !== undefined) context.fail([field], why);
  };
  if (word !== 'smooth_l1') refuse('beta', 'it has no effect unless the box loss is smooth_l1');
  const weight = m.mul(target.positive, numberOf(fields, 'box_weight'));
  if (overlap) {
    const found = m.decode(m.sides(locations), m.sides(priors), divisors, coding, limitOf(context));
    return m.mul(overlapLoss(context, m.join(found), target.boxes, overlap), weight);
  }
  refuse('limit', 'it has no effect unless boxes are decoded, for `iou` and its relatives');
  const wanted = b.op('stop_gradient', [m.encode(m.sides(target.boxes), m.sides(priors), divisors, coding)]);
  const error = m.sub(locations, wanted);
  const beta = fields['beta'] === undefined ? 1 : numberOf(fields, 'beta');
  const each = word === 'l1' ? m.abs(error) : m.mul(1 / beta, huberOf(Formula.in(context), error, beta));
  const [samples = 1, count = 1] = locations.type.shape;
  return m.mul(each, b.op('reshape', [weight], { shape: [samples, count, 1] }));
}
