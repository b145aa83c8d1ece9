/** Every initializer, by its name in a model file. A new one is one file and one line here. */
import { msra, xavier } from './caffe';
import { constant, ones, zeros } from './constant';
import type { InitializerDef } from './define';
import { glorotNormal, glorotUniform } from './glorot';
import { heNormal, heUniform } from './he';
import { lecunNormal, lecunUniform } from './lecun';
import { normal, truncatedNormal } from './normal';
import { uniform } from './uniform';

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
} as const satisfies Readonly<Record<string, InitializerDef>>;
