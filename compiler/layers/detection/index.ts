/** Boxes: priors, matching, decoding, suppression. */
import type { LayerDef } from '../define';

export const DETECTIONS = {} as const satisfies Readonly<Record<string, LayerDef>>;
