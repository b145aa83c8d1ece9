/** Random numbers and control of gradients. */
import type { LayerDef } from '../define';
import { bernoulli } from './bernoulli';
import { categorical, gumbelSoftmax } from './categorical';
import { gradientClip, gradientReverse, gradientScale, stopGradient } from './gradients';
import { randomNormal, randomUniform } from './normal';

export const RANDOMS = {
  random_normal: randomNormal,
  random_uniform: randomUniform,
  bernoulli,
  categorical,
  gumbel_softmax: gumbelSoftmax,
  stop_gradient: stopGradient,
  gradient_scale: gradientScale,
  gradient_reverse: gradientReverse,
  gradient_clip: gradientClip,
} as const satisfies Readonly<Record<string, LayerDef>>;
