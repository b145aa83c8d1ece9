/** Convolutions of every kind. */
import type { LayerDef } from '../define';
import { conv2d } from './conv2d';

export const CONVOLUTIONS = {
  conv2d,
} as const satisfies Readonly<Record<string, LayerDef>>;
