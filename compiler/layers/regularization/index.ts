/** Layers that act in training alone, against overfitting. */
import type { LayerDef } from '../define';
import { dropout } from './dropout';

export const REGULARIZATIONS = {
  dropout,
} as const satisfies Readonly<Record<string, LayerDef>>;
