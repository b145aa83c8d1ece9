/** From scores and boxes to detections: non-maximum suppression, alone and with all that comes before it in SSD. */
import type { FieldSchema } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import { defineLayer, type LowerContext } from '../define';
import { flag, flagOf, numberOf, positive, wordOf } from '../fields';
import {
  BoxMath,
  codingField,
  codingOf,
  limitField,
  limitOf,
  requireBoxes,
  variancesField,
  variancesOf,
} from './boxes';
import { fixed, PRIORS, shifted, TRUTHS } from './samples';

const suppressionFields: Readonly<Record<string, FieldSchema>> = {
  iou_threshold: {
    description: 'A box that overlaps a better one of its class by more than this goes (intersection over union).',
    type: 'number',
    minimum: 0,
    maximum: 1,
    default: 0.45,
  },
  score_threshold: {
    description: 'Only scores above this count.',
    type: 'number',
    default: 0.01,
  },
  top_k: positive('How many of the best of each class are looked at.', { default: 400 }),
  keep: positive('Most detections of one sample: the extent of the outputs.', { default: 200 }),
  joint: flag('Boxes of different classes hide each other too.', false),
};

const TIES =
  'The order is by score, of equal ones by class, then by place, so that results do not depend on threads; NaN is no score.';

interface Kept {
  readonly boxes: Value;
  readonly scores: Value;
  readonly classes: Value;
  readonly count: Value;
  readonly index: Value;
}

/** Boxes [N, B, 4], scores [N, C, B]; what is behind the last detection is 0, its class −1. */
function suppress(context: LowerContext, boxes: Value, scores: Value, background: number): Kept {
  const { b, fields } = context;
  const [samples = 1, classes = 1, count = 1] = scores.type.shape;
  const keep = numberOf(fields, 'keep');
  const fixed = [boxes, scores].map((value) => b.op('stop_gradient', [value]));
  const [index, labels, found] = b.ops('non_max_suppression', fixed, {
    iou_threshold: numberOf(fields, 'iou_threshold'),
    score_threshold: numberOf(fields, 'score_threshold'),
    top_k: numberOf(fields, 'top_k'),
    max_outputs: keep,
    background,
    joint: flagOf(fields, 'joint'),
  }) as readonly [Value, Value, Value];
  const zero = b.full(0, [], 'i32');
  const isReal = b.op('greater_equal', [index, zero]);
  const box = b.op('maximum', [index, zero]);
  const label = b.op('maximum', [labels, zero]);
  const place = b.op('add', [b.op('mul', [label, b.full(count, [], 'i32')]), box]);
  const flat = b.op('reshape', [scores], { shape: [samples, classes * count] });
  const m = BoxMath.in(context);
  const own = { axis: 1, batch_dims: 1 };
  const wide = b.op('reshape', [isReal], { shape: [samples, keep, 1] });
  return {
    boxes: m.where(wide, b.op('gather', [boxes, box], own), 0),
    scores: m.where(isReal, b.op('gather', [flat, place], own), 0),
    classes: labels,
    count: found,
    index,
  };
}

/** [N, B, C] to [N, C, B]. */
function byClass(context: LowerContext, scores: Value, boxes: Value): Value {
  const [samples, count, ...rest] = scores.type.shape;
  const [batch, places, sides] = boxes.type.shape;
  if (scores.type.dtype !== 'f32') context.mismatch('dtype', 'its scores should be float32');
  requireBoxes(context, boxes, 'boxes');
  if (boxes.type.shape.length !== 3 || sides !== 4 || rest.length !== 1 || samples !== batch || count !== places) {
    context.mismatch('shape', 'it needs boxes [N, B, 4] and scores [N, B, C]');
  }
  return context.b.op('transpose', [scores], { perm: [0, 2, 1] });
}

function backgroundOf(context: LowerContext, classes: number): number {
  const background = numberOf(context.fields, 'background');
  if (background >= classes) context.fail(['background'], `there are ${classes} classes, numbered from 0`);
  return background;
}

const backgroundField = (byDefault: number): FieldSchema => ({
  description: 'The class that is no thing to find, −1 where there is none.',
  type: 'integer',
  minimum: -1,
  default: byDefault,
});

export const nonMaxSuppression = defineLayer({
  type: 'non_max_suppression',
  summary: 'Of boxes that overlap keeps the one of the highest score, class by class.',
  details: [
    'Inputs: boxes [N, B, 4] as [x1, y1, x2, y2] and scores [N, B, C]. Outputs, the best first: boxes [N, keep, 4], `scores` [N, keep], `classes` [N, keep] int32, `count` [N] int32, how many are real, and `index` [N, keep] int32, which boxes they were. Behind the last, boxes and scores are 0, classes and index −1.',
    `${TIES} Gradients go to the boxes and scores that are kept. torchvision's batched_nms has neither score threshold nor limits; tf.image.combined_non_max_suppression has all of them.`,
  ].join('\n\n'),
  example: '{name: found, type: non_max_suppression, inputs: [boxes, scores]}',
  fields: { ...suppressionFields, background: backgroundField(-1) },
  arity: [2, 2],
  first: 'boxes',
  outputs: ['scores', 'classes', 'count', 'index'],
  samples: [
    {
      inputs: [
        { shape: ['N', 5, 4], values: PRIORS },
        { shape: ['N', 5, 3], separated: true },
      ],
      fields: { keep: 7 },
    },
    {
      name: 'with a background, all together',
      inputs: [
        { shape: ['N', 5, 4], values: PRIORS },
        { shape: ['N', 5, 3], separated: true },
      ],
      fields: { keep: 4, top_k: 3, background: 1, joint: true, iou_threshold: 0.3, score_threshold: -0.5 },
    },
  ],
  lower(context, inputs) {
    const scores = byClass(context, inputs[1]!, inputs[0]!);
    const background = backgroundOf(context, scores.type.shape[1] ?? 1);
    const kept = suppress(context, inputs[0]!, scores, background);
    return [kept.boxes, kept.scores, kept.classes, kept.count, kept.index];
  },
});

export const detectionOutput = defineLayer({
  type: 'detection_output',
  summary: 'What a detector has found: decodes its boxes, takes the scores of the classes, suppresses what overlaps.',
  details: [
    'Inputs: differences [N, P, 4], class scores [N, P, C], priors [P, 4], and variances [P, 4] if they are not a field. Output [N, keep, 6]: rows of class, score, x1, y1, x2, y2 in parts of the image, the best first; behind the last, the class is −1 and all else 0. `count` [N] int32 is how many there are.',
    `${TIES} Caffe's DetectionOutput, which has one list for the whole batch, with the image as a first column; its usual numbers (nms_threshold 0.45, top_k 400, keep_top_k 200, confidence_threshold 0.01) are the defaults. Its scores come from a softmax before it: \`scores: probabilities\`. torchvision's SSD has the same defaults.`,
  ].join('\n\n'),
  example: '{name: found, type: detection_output, inputs: [locations, confidences, priors]}',
  fields: {
    scores: {
      description: 'What becomes of the class scores first: `softmax`, `sigmoid` (RetinaNet), or nothing.',
      enum: ['softmax', 'sigmoid', 'probabilities'],
      default: 'softmax',
    },
    background: backgroundField(0),
    ...suppressionFields,
    coding: { ...codingField, enum: ['center_size', 'corner', 'corner_size', 'none'] },
    variances: variancesField,
    limit: limitField,
    clip: flag('Boxes end where the image does.', false),
  },
  arity: [2, 4],
  outputs: ['count'],
  samples: [
    fixed([{ shape: ['N', 5, 4] }, { shape: ['N', 5, 3], separated: true }, { boxes: PRIORS }], {
      fields: { keep: 7 },
    }),
    fixed(
      [
        { shape: ['N', 5, 4] },
        { shape: ['N', 5, 2], separated: true },
        { boxes: PRIORS },
        { boxes: shifted(TRUTHS, 0.1) },
      ],
      {
        name: 'sigmoid, variances as an input',
        fields: { keep: 3, scores: 'sigmoid', background: -1, coding: 'corner', clip: true },
      },
    ),
    {
      name: 'boxes that are decoded already',
      inputs: [
        { shape: ['N', 5, 4], values: PRIORS },
        { shape: ['N', 5, 2], range: [0, 1], separated: true },
      ],
      fields: { keep: 4, scores: 'probabilities', coding: 'none' },
    },
  ],
  lower(context, inputs) {
    const { b, fields } = context;
    const m = BoxMath.in(context);
    const boxes = decoded(context, inputs);
    const word = wordOf(fields, 'scores');
    const confidences = inputs[1]!;
    const ofClasses =
      word === 'softmax'
        ? b.op('softmax', [confidences], { axis: confidences.type.shape.length - 1 })
        : word === 'sigmoid'
          ? b.op('sigmoid', [confidences])
          : confidences;
    const scores = byClass(context, ofClasses, boxes);
    const kept = suppress(context, boxes, scores, backgroundOf(context, scores.type.shape[1] ?? 1));
    const classes = b.op('cast', [kept.classes], { dtype: 'f32' });
    return [m.join([classes, kept.scores, ...m.sides(kept.boxes)]), kept.count];
  },
});

/** The boxes [N, P, 4] that the first input stands for. */
function decoded(context: LowerContext, inputs: readonly Value[]): Value {
  const { fields } = context;
  const m = BoxMath.in(context);
  const offsets = inputs[0]!;
  const [, , priors, variances] = inputs;
  requireBoxes(context, offsets, 'locations');
  if (inputs[1]?.type.dtype !== 'f32') context.mismatch('dtype', 'its scores should be float32');
  const isPlain = wordOf(fields, 'coding') === 'none';
  if (isPlain === (priors !== undefined)) {
    context.mismatch('shape', isPlain ? 'with `coding: none` there are no priors' : 'it needs priors [P, 4]');
  }
  if (isPlain || !priors) {
    for (const field of ['variances', 'limit']) {
      if (fields[field] !== undefined) context.fail([field], 'it has no effect with `coding: none`');
    }
    return flagOf(fields, 'clip') ? m.join(m.within(m.sides(offsets))) : offsets;
  }
  requireBoxes(context, priors, 'priors');
  if (priors.type.shape.at(-2) !== offsets.type.shape[1]) {
    context.mismatch('shape', 'it needs a prior for each location');
  }
  const sides = m.decode(
    m.sides(offsets),
    m.sides(priors),
    variancesOf(context, variances),
    codingOf(context),
    limitOf(context),
  );
  return m.join(flagOf(fields, 'clip') ? m.within(sides) : sides);
}
