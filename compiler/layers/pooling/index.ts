/** Poolings. */
import type { LayerDef } from '../define';
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
} from './adaptive_pool';
import { avgPool1d, avgPool2d, avgPool3d } from './avg_pool';
import {
  globalAvgPool1d,
  globalAvgPool2d,
  globalAvgPool3d,
  globalMaxPool1d,
  globalMaxPool2d,
  globalMaxPool3d,
} from './global_pool';
import { lpPool1d, lpPool2d, lpPool3d } from './lp_pool';
import { maxPool1d, maxPool2d, maxPool3d } from './max_pool';
import { maxUnpool1d, maxUnpool2d, maxUnpool3d } from './max_unpool';
import { spatialPyramidPool } from './spatial_pyramid_pool';
import { stochasticPool2d } from './stochastic_pool';

export const POOLINGS = {
  max_pool1d: maxPool1d,
  max_pool2d: maxPool2d,
  max_pool3d: maxPool3d,
  avg_pool1d: avgPool1d,
  avg_pool2d: avgPool2d,
  avg_pool3d: avgPool3d,
  global_avg_pool1d: globalAvgPool1d,
  global_avg_pool2d: globalAvgPool2d,
  global_avg_pool3d: globalAvgPool3d,
  global_max_pool1d: globalMaxPool1d,
  global_max_pool2d: globalMaxPool2d,
  global_max_pool3d: globalMaxPool3d,
  adaptive_avg_pool1d: adaptiveAvgPool1d,
  adaptive_avg_pool2d: adaptiveAvgPool2d,
  adaptive_avg_pool3d: adaptiveAvgPool3d,
  adaptive_max_pool1d: adaptiveMaxPool1d,
  adaptive_max_pool2d: adaptiveMaxPool2d,
  adaptive_max_pool3d: adaptiveMaxPool3d,
  lp_pool1d: lpPool1d,
  lp_pool2d: lpPool2d,
  lp_pool3d: lpPool3d,
  stochastic_pool2d: stochasticPool2d,
  spatial_pyramid_pool: spatialPyramidPool,
  max_unpool1d: maxUnpool1d,
  max_unpool2d: maxUnpool2d,
  max_unpool3d: maxUnpool3d,
} as const satisfies Readonly<Record<string, LayerDef>>;
