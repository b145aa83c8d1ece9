/** Layers that act in training alone, against overfitting. */
import type { LayerDef } from '../define';
import { activityRegularization } from './activity_regularization';
import { alphaDropout } from './alpha_dropout';
import { dropBlock } from './drop_block';
import { dropPath } from './drop_path';
import { dropout } from './dropout';
import { gaussianDropout, gaussianNoise } from './gaussian';
import { spatialDropout1d, spatialDropout2d, spatialDropout3d } from './spatial_dropout';

export const REGULARIZATIONS = {
  dropout,
  spatial_dropout1d: spatialDropout1d,
  spatial_dropout2d: spatialDropout2d,
  spatial_dropout3d: spatialDropout3d,
  alpha_dropout: alphaDropout,
  gaussian_dropout: gaussianDropout,
  gaussian_noise: gaussianNoise,
  drop_path: dropPath,
  drop_block: dropBlock,
  activity_regularization: activityRegularization,
} as const satisfies Readonly<Record<string, LayerDef>>;
