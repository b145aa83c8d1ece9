/** Poolings. */
import type { LayerDef } from '../define';
import { maxPool2d } from './max_pool2d';
import { avgPool2d } from './avg_pool2d';
import { globalAvgPool2d } from './global_avg_pool2d';
import { globalMaxPool2d } from './global_max_pool2d';

export const POOLINGS = {
  max_pool2d: maxPool2d,
  avg_pool2d: avgPool2d,
  global_avg_pool2d: globalAvgPool2d,
  global_max_pool2d: globalMaxPool2d,
} as const satisfies Readonly<Record<string, LayerDef>>;
