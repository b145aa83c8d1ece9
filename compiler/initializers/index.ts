/** Every initializer, by its name in a model file. A new one is one file and one line here. */
import { msra, positiveUnitball, sparse, xavier } from './caffe';
import { constant, ones, zeros } from './constant';
import type { InitializerDef } from './define';
import { glorotNormal, glorotUniform } from './glorot';
import { heNormal, heUniform } from './he';
import { lecunNormal, lecunUniform } from './lecun';
import { normal, truncatedNormal } from './normal';
import { orthogonal } from './orthogonal';
import { bilinear, dirac, identity } from './patterned';
import { uniform } from './uniform';
import { pytorchDefault, varianceScaling } from './variance_scaling';

export const INITIALIZERS = {
  zeros,
  ones,
  constant,
  uniform,
  normal,
  truncated_normal: truncatedNormal,
  glorot_uniform: glorotUniform,
  glorot_normal: glorotNormal,
  he_uniform: heUniform,
  he_normal: heNormal,
  lecun_uniform: lecunUniform,
  lecun_normal: lecunNormal,
  xavier,
  msra,
  positive_unitball: positiveUnitball,
  sparse,
  bilinear,
  variance_scaling: varianceScaling,
  pytorch_default: pytorchDefault,
  orthogonal,
  identity,
  dirac,
} as const satisfies Readonly<Record<string, InitializerDef>>;
