/** Normalizations. */
import type { LayerDef } from '../define';
import { batchNorm } from './batch_norm';
import { groupNorm, instanceNorm } from './group_norm';
import { l2Normalize, unitNorm } from './l2_normalize';
import { layerNorm, rmsNorm } from './layer_norm';
import { localContrast } from './local_contrast';
import { lrn } from './lrn';
import { mvn } from './mvn';

export const NORMALIZATIONS = {
  batch_norm: batchNorm,
  layer_norm: layerNorm,
  group_norm: groupNorm,
  instance_norm: instanceNorm,
  rms_norm: rmsNorm,
  lrn,
  local_contrast: localContrast,
  mvn,
  l2_normalize: l2Normalize,
  unit_norm: unitNorm,
} as const satisfies Readonly<Record<string, LayerDef>>;
