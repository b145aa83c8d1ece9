/** Normalizations. */
import type { LayerDef } from '../define';
import { batchNorm } from './batch_norm';
import { lrn } from './lrn';

export const NORMALIZATIONS = {
  batch_norm: batchNorm,
  lrn,
} as const satisfies Readonly<Record<string, LayerDef>>;
