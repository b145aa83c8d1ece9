/** Every layer type, by its name in a model file; a folder and an index a family. A new one is one file and one line. */
import { ACTIVATION_LAYERS, LEARNED_ACTIVATIONS } from './activations/index';
import { ATTENTIONS } from './attention/index';
import { AUDIOS } from './audio/index';
import { AUGMENTATIONS } from './augmentation/index';
import { CONTROLS } from './control/index';
import { CONVOLUTIONS } from './convolution/index';
import type { LayerDef } from './define';
import { DETECTIONS } from './detection/index';
import { LINEARS } from './linear/index';
import { MATHS } from './math/index';
import { MERGES } from './merge/index';
import { NORMALIZATIONS } from './normalization/index';
import { POOLINGS } from './pooling/index';
import { RANDOMS } from './random/index';
import { RECURRENTS } from './recurrent/index';
import { REGULARIZATIONS } from './regularization/index';
import { SHAPES } from './shape/index';

export const LAYERS = {
  ...LINEARS,
  ...CONVOLUTIONS,
  ...POOLINGS,
  ...NORMALIZATIONS,
  ...ACTIVATION_LAYERS,
  ...LEARNED_ACTIVATIONS,
  ...REGULARIZATIONS,
  ...RECURRENTS,
  ...ATTENTIONS,
  ...MERGES,
  ...SHAPES,
  ...MATHS,
  ...RANDOMS,
  ...CONTROLS,
  ...DETECTIONS,
  ...AUDIOS,
  ...AUGMENTATIONS,
} as const satisfies Readonly<Record<string, LayerDef>>;
