/** Overlaps of decided and true regions, for segmentation: intersection over union, Dice. */
import { defineRatio } from './counts';

const REGIONS =
  'Pixels are counted over the whole epoch, not image by image. A class that is neither among labels nor predictions takes no part in the averages.';

export const meanIou = defineRatio({
  type: 'mean_iou',
  summary: 'Intersection over union of decided and true regions, the mean over the classes.',
  details: `tp / (tp + fp + fn) of each class (Jaccard). ${REGIONS} Keras' MeanIoU takes class numbers where this takes scores; its OneHotMeanIoU takes one-hot labels, as this does too.`,
  example: '{type: mean_iou, inputs: [logits, label], ignore_index: 255, per_class: true}',
  ratio: ({ tp, fp, fn }) => [tp, tp + fp + fn],
});

export const iou = defineRatio({
  type: 'iou',
  summary: 'Intersection over union of a decided and a true region.',
  details: `tp / (tp + fp + fn) of the class \`class\`, or of the region where the one score for each pixel is above the threshold (Keras' BinaryIoU averages this with that of the background). Without \`class\` it is \`mean_iou\`. ${REGIONS}`,
  example: '{type: iou, inputs: [logits, label], class: 1}',
  samples: [{ inputs: [{ shape: ['N', 3] }, { shape: ['N'], dtype: 'int32', range: [0, 2] }], fields: { class: 1 } }],
  ratio: ({ tp, fp, fn }) => [tp, tp + fp + fn],
});

export const dice = defineRatio({
  type: 'dice',
  summary: 'Dice coefficient of decided and true regions: twice the intersection by the sum of both.',
  details: `2·tp / (2·tp + fp + fn) of each class: \`f1\` under the name it has for regions. ${REGIONS} The loss of this name takes probabilities as they are; this decides first.`,
  ratio: ({ tp, fp, fn }) => [2 * tp, 2 * tp + fp + fn],
});
