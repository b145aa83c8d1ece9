/** Augmentation in the graph, in training alone. */
import type { LayerDef } from '../define';

export const AUGMENTATIONS = {} as const satisfies Readonly<Record<string, LayerDef>>;
