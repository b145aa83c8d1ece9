/** How far boxes are from overlapping: a loss that is in the units of what detectors are measured by. */
import { overlapField, overlapKind } from '../layers/detection/box_iou';
import { requireBoxes } from '../layers/detection/boxes';
import { BOXES, shifted } from '../layers/detection/samples';
import { overlapLoss } from './detections';
import { defineTermLoss } from './reduction';
import { sameShape } from '../ir/types';

export const boxIouLoss = defineTermLoss({
  type: 'box_iou',
  summary: '1 − the intersection over union of predicted and true boxes, or of one of its relatives.',
  details:
    "Inputs: boxes and true boxes of one shape, [..., 4] as [x1, y1, x2, y2]. One term for each box. torchvision's generalized_box_iou_loss, distance_box_iou_loss and complete_box_iou_loss, which have the sum as default.",
  example: '{type: box_iou, inputs: [found, box], kind: giou}',
  fields: { kind: { ...overlapField, default: 'giou' } },
  own: 2,
  samples: [
    {
      inputs: [
        { shape: ['N', 3, 4], values: BOXES },
        { shape: ['N', 3, 4], values: shifted(BOXES, 0.07) },
      ],
      fields: { kind: 'giou' },
    },
    {
      name: 'boxes that do not touch',
      inputs: [
        { shape: ['N', 4], values: [0.1, 0.1, 0.3, 0.4] },
        { shape: ['N', 4], values: [0.5, 0.6, 0.8, 0.7] },
      ],
      fields: { kind: 'diou' },
    },
  ],
  terms(context, inputs) {
    const [found, truth] = [inputs[0]!, inputs[1]!];
    requireBoxes(context, found, 'boxes');
    requireBoxes(context, truth, 'true boxes');
    if (!sameShape(found.type.shape, truth.type.shape)) {
      context.mismatch('shape', 'found and true boxes need one shape');
    }
    return { loss: overlapLoss(context, found, truth, overlapKind(context, 'kind')) };
  },
});
