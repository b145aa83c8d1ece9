/** Poolings. */
import type { LayerDef } from '../define';
import { avgPool1d, avgPool2d, avgPool3d } from './avg_pool';
import {
  globalAvgPool1d,
  globalAvgPool2d,
  globalAvgPool3d,
  globalMaxPool1d,
  globalMaxPool2d,
  globalMaxPool3d,
} from './global_pool';
import { maxPool1d, maxPool2d, maxPool3d } from './max_pool';

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
} as const satisfies Readonly<Record<string, LayerDef>>;
