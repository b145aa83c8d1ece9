/** Activations: layers that bend their input. Each is a layer type, and most can be what `activation:` on another layer names. */
import type { LayerDef } from '../define';
import { bnll } from './bnll';
import { celu } from './celu';
import { crelu } from './crelu';
import { elu } from './elu';
import { exponential } from './exponential';
import { gelu } from './gelu';
import { glu } from './glu';
import { hardShrink } from './hard_shrink';
import { hardSigmoid } from './hard_sigmoid';
import { hardSwish } from './hard_swish';
import { hardTanh } from './hard_tanh';
import { leakyRelu } from './leaky_relu';
import { linear } from './linear';
import { logSigmoid } from './log_sigmoid';
import { logSoftmax } from './log_softmax';
import { maxout } from './maxout';
import { mish } from './mish';
import { prelu } from './prelu';
import { relu } from './relu';
import { relu6 } from './relu6';
import { rrelu } from './rrelu';
import { selu } from './selu';
import { sigmoid } from './sigmoid';
import { silu } from './silu';
import { softShrink } from './soft_shrink';
import { softmax } from './softmax';
import { softplus } from './softplus';
import { softsign } from './softsign';
import { sparsePlus } from './sparse_plus';
import { sparseSigmoid } from './sparse_sigmoid';
import { sparsemax } from './sparsemax';
import { squareplus } from './squareplus';
import { swish } from './swish';
import { tanh } from './tanh';
import { tanhShrink } from './tanh_shrink';
import { threshold } from './threshold';

/** Layer types that `activation:` on another layer can name too. */
export const ACTIVATION_LAYERS = {
  relu,
  leaky_relu: leakyRelu,
  sigmoid,
  tanh,
  gelu,
  silu,
  elu,
  softplus,
  softmax,
  relu6,
  rrelu,
  crelu,
  celu,
  selu,
  swish,
  mish,
  glu,
  maxout,
  bnll,
  hard_sigmoid: hardSigmoid,
  hard_swish: hardSwish,
  hard_tanh: hardTanh,
  hard_shrink: hardShrink,
  soft_shrink: softShrink,
  tanh_shrink: tanhShrink,
  log_sigmoid: logSigmoid,
  log_softmax: logSoftmax,
  sparsemax,
  sparse_plus: sparsePlus,
  sparse_sigmoid: sparseSigmoid,
  squareplus,
  softsign,
  threshold,
  exponential,
} as const satisfies Readonly<Record<string, LayerDef>>;

/** What `activation:` can name. `linear` is no layer type: to many that is the dense layer, and `identity` is there. */
export const ACTIVATIONS = {
  ...ACTIVATION_LAYERS,
  linear,
} as const satisfies Readonly<Record<string, LayerDef>>;

/** These own parameters, which no other layer can keep for them. */
export const LEARNED_ACTIVATIONS = {
  prelu,
} as const satisfies Readonly<Record<string, LayerDef>>;
