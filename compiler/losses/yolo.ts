/** The loss of one-stage detectors that say for each anchor whether there is a thing, where, and what. */
import type { Sample } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import type { Value } from '../ir/graph';
import { sameShape } from '../ir/types';
import { matchFields, matchingOf, matchWith, requireTruth, TRUTH } from '../layers/detection/matching';
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
} from './detections';
import { Formula } from './formula';

const FOUND = [
  0.06, 0.11, 0.41, 0.52, 0.31, 0.22, 0.75, 0.64, 0.52, 0.41, 0.91, 0.87, 0.11, 0.52, 0.3, 0.83, 0.6, 0.1, 0.8, 0.4,
];

function yoloSample(name: string, fields: Fields): Sample {
  return fixed(
    [
      { shape: ['N', 5, 4], values: FOUND },
      { shape: ['N', 5] },
      { shape: ['N', 5, 2] },
      { boxes: PRIORS },
      { shape: ['N', 3, 4], values: TRUTHS },
      { shape: ['N', 3], dtype: 'int32', values: [0, 1, -1, 1, -1, -1, -1, -1, -1] },
    ],
    { name, fields, wrt: [0, 1, 2] },
  );
}

const weight = (what: string) =>
  ({ description: `The weight of the loss of ${what}.`, type: 'number', minimum: 0, default: 1 }) as const;

export const yolo = defineLoss({
  type: 'yolo',
  summary: 'The loss of YOLO: whether there is a thing at each anchor, where it is, and what.',
  details: [
    `Inputs: boxes [N, P, 4] as \`decode_boxes\` gives them, scores of there being a thing [N, P], class scores [N, P, C], anchors [P, 4], true boxes, their classes, which count from 0. ${TRUTH}`,
    'Every true box gets the anchor that it overlaps most with; with a `threshold` below 1, all anchors that overlap so much answer for it. Where there is a thing: 1 − the overlap of found and true box, and binary cross-entropy of every class (Redmon and Farhadi 2018). Of all anchors: binary cross-entropy of there being a thing, but not where there is none and the box that was found overlaps with a true one by more than `ignore`.',
    'Darknet matches by shapes alone, at the cell where the centre of the true box is, and sums over the batch; it compares places number by number, where later versions have `box_loss: giou` or `ciou`. Neither Caffe, Keras nor PyTorch has this loss.',
  ].join('\n\n'),
  example: '{type: yolo, inputs: [found, objectness, kinds, anchors, boxes, classes]}',
  fields: {
    box_loss: {
      description: '1 − which overlap: see `box_iou`.',
      enum: ['iou', 'giou', 'diou', 'ciou'],
      default: 'ciou',
    },
    threshold: { ...matchFields['threshold']!, default: 1 },
    force: matchFields['force']!,
    ignore: {
      description: 'Anchors without a thing do not count where they found one better than this.',
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: 0.7,
    },
    box_weight: weight('places'),
    object_weight: weight('there being a thing'),
    class_weight: weight('classes'),
    normalization: detectionNormalization,
  },
  arity: [6, 6],
  samples: [
    yoloSample('boxes by giou', { box_loss: 'giou' }),
    yoloSample('weights', {
      box_loss: 'diou',
      box_weight: 2,
      object_weight: 0.5,
      class_weight: 0.3,
      normalization: 'image',
    }),
    yoloSample('more anchors for a thing', { box_loss: 'iou', threshold: 0.4, force: 'best', ignore: 0.5 }),
    // The weight of the shapes is no part of the gradient of ciou.
    { ...yoloSample('boxes by ciou', {}), wrt: [1, 2] },
  ],
  lower(context, inputs) {
    const [boxes, objects, kinds, anchors, truths, classes] = inputs as readonly [
      Value,
      Value,
      Value,
      Value,
      Value,
      Value,
    ];
    const { b, fields } = context;
    const m = Formula.in(context);
    requirePredictions(context, boxes, 'boxes', undefined, 4);
    requirePredictions(context, kinds, 'class scores', boxes);
    if (objects.type.dtype !== 'f32' || !sameShape(objects.type.shape, boxes.type.shape.slice(0, 2))) {
      context.mismatch('shape', `its scores of there being a thing should be [N, ${boxes.type.shape[1]}]`);
    }
    requirePriorsOf(context, anchors, boxes);
    requireTruth(context, { boxes: truths, classes });
    const truth = { boxes: truths, classes };
    const target = assigned(context, matchingOf(context, anchors, truth), truth, 0);
    const { positive } = target;
    const [samples = 1, count = 1] = positive.type.shape;
    const { overlap } = matchWith(context, boxes, truth, { threshold: 1, low_threshold: 1, force: 'none' });
    const isIdle = m.greater(b.op('stop_gradient', [overlap]), numberOf(fields, 'ignore'));
    const counted = m.maximum(positive, m.where(isIdle, 0, 1));
    const kind = overlapWord(wordOf(fields, 'box_loss')) ?? 'ciou';
    const terms = [
      m.mul(overlapLoss(context, boxes, target.boxes, kind), m.mul(positive, numberOf(fields, 'box_weight'))),
      m.mul(binaryEntropy(m, objects, positive), m.mul(counted, numberOf(fields, 'object_weight'))),
      m.mul(
        binaryEntropy(m, kinds, classTargets(context, kinds, target)),
        m.reshape(m.mul(positive, numberOf(fields, 'class_weight')), [samples, count, 1]),
      ),
    ];
    return normalized(context, terms, positive);
  },
});
