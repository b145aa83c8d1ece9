/** What `activation:` on a layer can name. Each is a layer type of its own as well. */
import type { LayerDef } from '../define';
import { softmax } from './softmax';
import { elu } from './elu';
import { gelu } from './gelu';
import { leakyRelu } from './leaky_relu';
import { relu } from './relu';
import { sigmoid } from './sigmoid';
import { silu } from './silu';
import { softplus } from './softplus';
import { tanh } from './tanh';

export const ACTIVATIONS = {
  relu,
  leaky_relu: leakyRelu,
  sigmoid,
  tanh,
  gelu,
  silu,
  elu,
  softplus,
  softmax,
} as const satisfies Readonly<Record<string, LayerDef>>;
