/** Every layer type, by its name in a model file. A new one is one file and one line here. */
import { ACTIVATIONS } from './activations/index';
import { add } from './add';
import { avgPool2d } from './avg_pool2d';
import { batchNorm } from './batch_norm';
import { concat } from './concat';
import { conv2d } from './conv2d';
import type { LayerDef } from './define';
import { dense } from './dense';
import { dropout } from './dropout';
import { flatten } from './flatten';
import { globalAvgPool2d } from './global_avg_pool2d';
import { globalMaxPool2d } from './global_max_pool2d';
import { identity } from './identity';
import { lrn } from './lrn';
import { maxPool2d } from './max_pool2d';
import { mul } from './mul';
import { pad } from './pad';
import { reshape } from './reshape';
import { sub } from './sub';

export const LAYERS = {
  conv2d,
  dense,
  max_pool2d: maxPool2d,
  avg_pool2d: avgPool2d,
  global_avg_pool2d: globalAvgPool2d,
  global_max_pool2d: globalMaxPool2d,
  batch_norm: batchNorm,
  lrn,
  dropout,
  flatten,
  reshape,
  pad,
  add,
  mul,
  sub,
  concat,
  identity,
  ...ACTIVATIONS,
} as const satisfies Readonly<Record<string, LayerDef>>;
