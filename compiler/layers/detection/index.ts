/** Boxes: priors, matching, decoding, suppression. */
import type { LayerDef } from '../define';
import { boxIou } from './box_iou';
import { decodeBoxes, encodeBoxes } from './coding';
import { matchBoxes } from './match_boxes';
import { anchors, priorBoxes } from './prior_boxes';
import { roiAlign } from './roi_align';
import { detectionOutput, nonMaxSuppression } from './suppression';

export const DETECTIONS = {
  prior_boxes: priorBoxes,
  anchors,
  encode_boxes: encodeBoxes,
  decode_boxes: decodeBoxes,
  box_iou: boxIou,
  match_boxes: matchBoxes,
  non_max_suppression: nonMaxSuppression,
  detection_output: detectionOutput,
  roi_align: roiAlign,
} as const satisfies Readonly<Record<string, LayerDef>>;
