/**
 * Every loss that PyTorch has or that can be written down in it, by a name that `bench/parity/losses.py` gives the
 * formula to. What PyTorch says to them is in pytorch.json, which that script writes; the numbers here are waves.
 */
import { PRIORS } from '../../compiler/layers/detection/samples';
import type { LossCase, LossTensor } from '../support/loss';

/** Numbers without a pattern from −1 to 1, times the size, plus the middle. */
function wave(shape: readonly number[], size = 2, middle = 0, phase = 1): LossTensor {
  const count = shape.reduce((product, extent) => product * extent, 1);
  const values = Array.from({ length: count }, (_, i) =>
    Math.fround(middle + size * Math.sin(phase + 2.7 * i + 0.1 * i * i)),
  );
  return { shape, values };
}

function numbers(shape: readonly number[], values: readonly number[], dtype = 'int32'): LossTensor {
  return { shape, values, dtype };
}

const SCORES = wave([4, 5]);
const CLASSES = numbers([4], [3, 0, 4, 2]);
const PIXELS = wave([2, 3, 2, 2]);
const PIXEL_CLASSES = numbers([2, 2, 2], [0, 2, 255, 1, 2, 0, 255, 1]);
const NUMBERS = wave([4, 3], 2, 0, 2);
const SHARES = wave([4, 5], 0.4, 0.5, 3);
const SIGNS = numbers([4, 5], [1, -1, -1, 1, 1, -1, 1, 1, -1, 1, -1, -1, 1, -1, 1, 1, -1, 1, 1, -1]);
const BINARY = numbers([4, 5], [1, 0, 0, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 0]);
const WEIGHTS = wave([4], 0.5, 1, 0);
const POSITIVE = wave([4, 5], 0.4, 0.5);
const VECTORS = [wave([4, 3]), wave([4, 3], 1.5, 0, 2), wave([4, 3], 1.2, 0, 4)] as const;
const PAIRS = numbers([4], [1, -1, -1, 1]);
/** A score of the first input, for the gradient of a gradient. */
const CRITIC = {
  layers: [{ name: 'score', type: 'expression', inputs: ['in0'], expr: 'tanh(in0) * sin(0.3 * in0)' }],
  inputs: ['score', 'in0'],
};
const SPEECH = wave([3, 7, 5]);
const SPOKEN = numbers([3, 3], [1, 1, 2, 4, 3, 1, 2, 2, 2]);
const ROWS = [
  [1, 0.25, 0, 0.1, 0],
  [0, 2, 0, 0, 0.3],
  [0.5, 0, 1, 0, 0],
  [0, 0.2, 0, 1, 0],
  [0, 0, 0.4, 0, 1.5],
];

const sides = (shape: readonly number[], values: readonly number[]): LossTensor => ({
  shape,
  values: values.map(Math.fround),
});
/** The last pair does not touch. */
const FOUND = sides([2, 2, 4], [0.1, 0.2, 0.5, 0.9, 0.3, 0.25, 0.4, 0.6, 0.05, 0.4, 0.95, 0.75, 0.6, 0.1, 0.8, 0.3]);
const WANTED = sides(
  [2, 2, 4],
  [0.2, 0.15, 0.6, 0.7, 0.25, 0.3, 0.45, 0.5, 0.3, 0.35, 0.85, 0.9, 0.1, 0.5, 0.25, 0.95],
);
/** Five priors, two images of two and three things; the third row of the first is padding. */
const ANCHORS: LossTensor = { shape: [5, 4], values: PRIORS, constant: true };
const THINGS = sides(
  [2, 3, 4],
  [
    0.07, 0.13, 0.42, 0.6, 0.35, 0.25, 0.7, 0.65, 0, 0, 0, 0, 0.55, 0.42, 0.93, 0.9, 0.12, 0.55, 0.33, 0.8, 0.5, 0.3,
    0.85, 0.85,
  ],
);
const OFFSETS = wave([2, 5, 4], 1, 0, 4);
const PRIOR_SCORES = wave([2, 5, 4], 2, 0, 5);
const KINDS = numbers([2, 3], [2, 1, -1, 3, 1, 2]);
const VARIANCES: LossTensor = { shape: [5, 4], values: PRIORS.map((_, i) => (1 + (i % 4)) / 8), constant: true };
const DETECTOR = [OFFSETS, PRIOR_SCORES, ANCHORS, THINGS, KINDS] as const;
/** What a detector found at the five priors; at the last of the first image, a thing that is another prior's. */
const SEEN = sides(
  [2, 5, 4],
  [
    0.06, 0.11, 0.41, 0.52, 0.31, 0.22, 0.75, 0.64, 0.52, 0.41, 0.91, 0.87, 0.11, 0.52, 0.3, 0.83, 0.36, 0.26, 0.71,
    0.66, 0.2, 0.1, 0.4, 0.5, 0.42, 0.2, 0.8, 0.7, 0.5, 0.5, 0.9, 0.8, 0.1, 0.45, 0.35, 0.85, 0.6, 0.1, 0.8, 0.4,
  ],
);
const YOLO = [
  SEEN,
  wave([2, 5], 2, 0, 6),
  wave([2, 5, 3], 2, 0, 7),
  ANCHORS,
  THINGS,
  numbers([2, 3], [2, 1, -1, 0, 1, 2]),
];

export const CASES: Readonly<Record<string, LossCase>> = {
  cross_entropy: { type: 'cross_entropy', inputs: [SCORES, CLASSES] },
  'cross_entropy smoothed weighted ignored': {
    type: 'cross_entropy',
    fields: { label_smoothing: 0.1, class_weights: [1, 2, 0.5], ignore_index: 255 },
    inputs: [PIXELS, PIXEL_CLASSES],
  },
  'cross_entropy probabilities': { type: 'cross_entropy', inputs: [SCORES, SHARES], fields: { label_smoothing: 0.2 } },
  'cross_entropy sample weights': { type: 'cross_entropy', inputs: [SCORES, CLASSES, WEIGHTS] },
  'cross_entropy full': {
    type: 'cross_entropy',
    fields: { ignore_index: 255, normalization: 'full' },
    inputs: [PIXELS, PIXEL_CLASSES],
  },
  'cross_entropy batch': {
    type: 'cross_entropy',
    fields: { ignore_index: 255, normalization: 'batch' },
    inputs: [PIXELS, PIXEL_CLASSES],
  },
  'cross_entropy sum': {
    type: 'cross_entropy',
    fields: { ignore_index: 255, class_weights: [1, 2, 0.5], normalization: 'sum' },
    inputs: [PIXELS, PIXEL_CLASSES],
  },
  'cross_entropy valid': {
    type: 'cross_entropy',
    fields: { ignore_index: 255, class_weights: [1, 2, 0.5], normalization: 'valid' },
    inputs: [PIXELS, PIXEL_CLASSES],
  },
  'cross_entropy from probabilities': {
    type: 'cross_entropy',
    fields: { from_logits: false },
    inputs: [SHARES, CLASSES],
  },
  nll: { type: 'nll', fields: { class_weights: [1, 2, 0.5], ignore_index: 255 }, inputs: [PIXELS, PIXEL_CLASSES] },
  multinomial_logistic: { type: 'multinomial_logistic', inputs: [SHARES, CLASSES] },
  infogain: { type: 'infogain', fields: { matrix: ROWS }, inputs: [SCORES, CLASSES] },
  generalized_cross_entropy: { type: 'generalized_cross_entropy', fields: { q: 0.7 }, inputs: [SCORES, CLASSES] },
  binary_cross_entropy: { type: 'binary_cross_entropy', inputs: [SCORES, SHARES] },
  'binary_cross_entropy positive weight': {
    type: 'binary_cross_entropy',
    fields: { positive_weight: [1, 2, 0.5, 3, 1.5] },
    inputs: [SCORES, SHARES],
  },
  'binary_cross_entropy probabilities': {
    type: 'binary_cross_entropy',
    fields: { from_logits: false },
    inputs: [POSITIVE, SHARES],
  },
  'binary_cross_entropy caffe': {
    type: 'binary_cross_entropy',
    fields: { ignore_index: -1, normalization: 'batch' },
    inputs: [SCORES, SIGNS],
  },
  'multilabel soft margin': { type: 'binary_cross_entropy', inputs: [SCORES, BINARY] },
  'focal sigmoid': { type: 'focal', fields: { alpha: 0.25 }, inputs: [SCORES, SHARES] },
  'focal softmax': {
    type: 'focal',
    fields: { kind: 'softmax', alpha: [1, 0.5, 2, 0.1, 1], gamma: 1.5 },
    inputs: [SCORES, CLASSES],
  },
  hinge: { type: 'hinge', inputs: [SCORES, BINARY] },
  'hinge caffe': { type: 'hinge', fields: { norm: 'l2' }, inputs: [SCORES, CLASSES] },
  squared_hinge: { type: 'squared_hinge', inputs: [SCORES, SIGNS] },
  soft_margin: { type: 'soft_margin', inputs: [SCORES, SIGNS] },
  categorical_hinge: { type: 'categorical_hinge', inputs: [SCORES, CLASSES] },
  multi_margin: { type: 'multi_margin', inputs: [SCORES, CLASSES] },
  'multi_margin squared weighted': {
    type: 'multi_margin',
    fields: { norm: 'l2', margin: 0.5, class_weights: [1, 2, 0.5, 1, 0] },
    inputs: [SCORES, CLASSES],
  },
  multilabel_margin: { type: 'multilabel_margin', inputs: [SCORES, BINARY] },
  margin_ranking: { type: 'margin_ranking', fields: { margin: 0.3 }, inputs: [SCORES, SHARES, SIGNS] },
  dice: {
    type: 'dice',
    fields: { kind: 'softmax', smooth: 1 },
    inputs: [PIXELS, numbers([2, 2, 2], [0, 2, 1, 1, 2, 0, 0, 1])],
  },
  'dice keras': {
    type: 'dice',
    fields: { kind: 'probabilities', per_sample: false, per_class: false, smooth: 0 },
    inputs: [POSITIVE, SHARES],
  },
  tversky: {
    type: 'tversky',
    fields: { per_sample: false, alpha: 0.3, beta: 0.7, gamma: 0.75, smooth: 0.5 },
    inputs: [PIXELS, wave([2, 3, 2, 2], 0.5, 0.5)],
  },
  lovasz: { type: 'lovasz', fields: { ignore_index: 255 }, inputs: [PIXELS, PIXEL_CLASSES] },
  'lovasz hinge': {
    type: 'lovasz',
    fields: { kind: 'hinge', per_sample: false, present: false },
    inputs: [wave([3, 1, 5]), numbers([3, 5], [1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1])],
  },
  mse: { type: 'mse', inputs: [NUMBERS, wave([4, 3])] },
  'mse sum': { type: 'mse', fields: { normalization: 'sum' }, inputs: [NUMBERS, wave([4, 3])] },
  'mse weighted full': { type: 'mse', fields: { normalization: 'full' }, inputs: [NUMBERS, wave([4, 3]), WEIGHTS] },
  mae: { type: 'mae', inputs: [NUMBERS, wave([4, 3])] },
  rmse: { type: 'rmse', inputs: [NUMBERS, wave([4, 3])] },
  mape: { type: 'mape', inputs: [NUMBERS, wave([4, 3])] },
  msle: { type: 'msle', inputs: [NUMBERS, wave([4, 3], 2, 1)] },
  euclidean: { type: 'euclidean', inputs: [NUMBERS, wave([4, 3])] },
  huber: { type: 'huber', fields: { delta: 0.7 }, inputs: [NUMBERS, wave([4, 3])] },
  smooth_l1: { type: 'smooth_l1', fields: { beta: 0.7 }, inputs: [NUMBERS, wave([4, 3])] },
  log_cosh: { type: 'log_cosh', inputs: [NUMBERS, wave([4, 3])] },
  quantile: { type: 'quantile', fields: { tau: 0.8 }, inputs: [NUMBERS, wave([4, 3])] },
  kl_divergence: { type: 'kl_divergence', inputs: [POSITIVE, SHARES] },
  'kl_divergence log': {
    type: 'kl_divergence',
    fields: { prediction: 'log_probabilities', target: 'log_probabilities' },
    inputs: [SCORES, wave([4, 5], 1, -1, 5)],
  },
  'kl_divergence scores': {
    type: 'kl_divergence',
    fields: { prediction: 'scores', target: 'scores', axis: -1 },
    inputs: [wave([2, 3, 4]), wave([2, 3, 4], 1, 0, 5)],
  },
  poisson: { type: 'poisson', fields: { full: true }, inputs: [NUMBERS, wave([4, 3], 2, 2)], wrt: [0] },
  'poisson plain': { type: 'poisson', fields: { log_input: false }, inputs: [wave([4, 3], 1, 2), wave([4, 3], 2, 2)] },
  gaussian_nll: {
    type: 'gaussian_nll',
    fields: { full: true },
    inputs: [NUMBERS, wave([4, 3]), wave([4, 3], 0.5, 1)],
  },
  cosine_similarity: { type: 'cosine_similarity', inputs: [VECTORS[0], VECTORS[1]] },
  cosine_embedding: { type: 'cosine_embedding', fields: { margin: -0.2 }, inputs: [VECTORS[0], VECTORS[1], PAIRS] },
  hinge_embedding: { type: 'hinge_embedding', inputs: [SCORES, SIGNS] },
  contrastive: {
    type: 'contrastive',
    fields: { margin: 3 },
    inputs: [VECTORS[0], VECTORS[1], numbers([4], [1, 0, 0, 1])],
  },
  'contrastive legacy': {
    type: 'contrastive',
    fields: { margin: 9, legacy_version: true },
    inputs: [VECTORS[0], VECTORS[1], numbers([4], [1, 0, 0, 1])],
  },
  triplet: { type: 'triplet', fields: { margin: 4 }, inputs: VECTORS },
  'triplet swap': { type: 'triplet', fields: { swap: true, margin: 4 }, inputs: VECTORS },
  'triplet manhattan': { type: 'triplet', fields: { distance: 'manhattan', margin: 6 }, inputs: VECTORS },
  'triplet squared': { type: 'triplet', fields: { distance: 'squared_euclidean', margin: 16 }, inputs: VECTORS },
  'triplet cosine': { type: 'triplet', fields: { distance: 'cosine', margin: 1.5 }, inputs: VECTORS },
  info_nce: { type: 'info_nce', fields: { temperature: 0.2, symmetric: true }, inputs: [VECTORS[0], VECTORS[1]] },
  nt_xent: { type: 'nt_xent', inputs: [VECTORS[0], VECTORS[1]] },
  circle: { type: 'circle', fields: { gamma: 4 }, inputs: [wave([5, 3]), numbers([5], [1, 0, 1, 1, 2])] },
  mean: { type: 'mean', fields: { scale: -0.5 }, inputs: [SCORES] },
  ctc: {
    type: 'ctc',
    inputs: [SPEECH, SPOKEN, numbers([3], [7, 5, 6]), numbers([3], [3, 2, 1])],
  },
  'ctc per label, too short': {
    type: 'ctc',
    fields: { per_label: true, zero_infinity: true, blank: 0 },
    inputs: [SPEECH, SPOKEN, numbers([3], [7, 4, 4]), numbers([3], [3, 3, 3])],
  },
  'box_iou iou': { type: 'box_iou', fields: { kind: 'iou' }, inputs: [FOUND, WANTED] },
  'box_iou giou': { type: 'box_iou', inputs: [FOUND, WANTED] },
  'box_iou diou': { type: 'box_iou', fields: { kind: 'diou' }, inputs: [FOUND, WANTED] },
  'box_iou ciou': { type: 'box_iou', fields: { kind: 'ciou' }, inputs: [FOUND, WANTED] },
  'multibox caffe': {
    type: 'multibox',
    fields: { negative_ratio: 0.5, threshold: 0.4, low_threshold: 0.15, box_weight: 0.7 },
    inputs: DETECTOR,
    wrt: [0, 1],
  },
  'multibox torchvision ssd': { type: 'multibox', fields: { force: 'best' }, inputs: DETECTOR, wrt: [0, 1] },
  'multibox torchvision retinanet': {
    type: 'multibox',
    fields: {
      class_loss: 'focal',
      box_loss: 'l1',
      force: 'every_best',
      low_threshold: 0.15,
      variances: 1,
      normalization: 'image',
    },
    inputs: DETECTOR,
    wrt: [0, 1],
  },
  'multibox giou, variances an input': {
    type: 'multibox',
    fields: { box_loss: 'giou', background: 3, force: 'none', threshold: 0.3, limit: 0.1 },
    inputs: [OFFSETS, PRIOR_SCORES, ANCHORS, THINGS, numbers([2, 3], [2, 1, -1, 0, 1, 2]), VARIANCES],
    wrt: [0, 1],
  },
  'multibox corner': {
    type: 'multibox',
    fields: { class_loss: 'focal', gamma: 0.5, alpha: 0.6, coding: 'corner', beta: 0.2 },
    inputs: DETECTOR,
    wrt: [0, 1],
  },
  'multibox corner_size, ciou': {
    type: 'multibox',
    fields: { box_loss: 'ciou', coding: 'corner_size', variances: [0.1, 0.2, 0.3, 0.4] },
    inputs: DETECTOR,
    wrt: [0, 1],
  },
  yolo: { type: 'yolo', inputs: YOLO, wrt: [0, 1, 2] },
  'yolo, several anchors for a thing': {
    type: 'yolo',
    fields: {
      box_loss: 'giou',
      threshold: 0.3,
      force: 'best',
      ignore: 0.5,
      box_weight: 2,
      object_weight: 0.5,
      class_weight: 0.3,
      normalization: 'image',
    },
    inputs: YOLO,
    wrt: [0, 1, 2],
  },
  gradient_penalty: { type: 'gradient_penalty', inputs: [VECTORS[0]], through: CRITIC },
  'gradient_penalty one-sided': {
    type: 'gradient_penalty',
    fields: { kind: 'one_sided', target: 0.2 },
    inputs: [VECTORS[0]],
    through: CRITIC,
  },
  'gradient_penalty squared': {
    type: 'gradient_penalty',
    fields: { kind: 'squared' },
    inputs: [VECTORS[0]],
    through: CRITIC,
  },
};
