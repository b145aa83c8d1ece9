/** The pages of layers: a family each, in the order in which a reader meets them. */
import type { LayerDef } from '../layers/define';
import { ACTIVATION_LAYERS, LEARNED_ACTIVATIONS } from '../layers/activations/index';
import { ATTENTIONS } from '../layers/attention/index';
import { AUDIOS } from '../layers/audio/index';
import { AUGMENTATIONS } from '../layers/augmentation/index';
import { CONTROLS } from '../layers/control/index';
import { CONVOLUTIONS } from '../layers/convolution/index';
import { DETECTIONS } from '../layers/detection/index';
import { LINEARS } from '../layers/linear/index';
import { MATHS } from '../layers/math/index';
import { MERGES } from '../layers/merge/index';
import { NORMALIZATIONS } from '../layers/normalization/index';
import { POOLINGS } from '../layers/pooling/index';
import { RANDOMS } from '../layers/random/index';
import { RECURRENTS } from '../layers/recurrent/index';
import { REGULARIZATIONS } from '../layers/regularization/index';
import { SHAPES } from '../layers/shape/index';

export interface Family {
  /** The page is `layers-<name>.md`. */
  readonly name: string;
  readonly title: string;
  readonly text: string;
  readonly layers: Readonly<Record<string, LayerDef>>;
}

const family = (name: string, title: string, text: string, layers: Family['layers']): Family => ({
  name,
  title,
  text,
  layers,
});

export const FAMILIES: readonly Family[] = [
  family('linear', 'Dense layers and products', 'Weights times inputs, and inputs times inputs.', LINEARS),
  family(
    'convolution',
    'Convolutions',
    'Images are [N, C, H, W], sequences [N, C, L], volumes [N, C, D, H, W]. Two lengths give one for each axis, in this order.',
    CONVOLUTIONS,
  ),
  family(
    'pooling',
    'Pooling',
    'Where Caffe, Keras and PyTorch round or divide differently, `ceil_mode` and `count_include_pad` say which.',
    POOLINGS,
  ),
  family(
    'normalization',
    'Normalization',
    'Over the batch, over the features of a sample, or over neighbours.',
    NORMALIZATIONS,
  ),
  family(
    'activations',
    'Activations',
    'As layers of their own, and by name in the `activation` field of others: `activation: relu`, `activation: {type: leaky_relu, slope: 0.1}`. Those with weights of their own (`prelu`) are layers only.',
    { ...ACTIVATION_LAYERS, ...LEARNED_ACTIVATIONS },
  ),
  family(
    'regularization',
    'Dropout, noise and penalties',
    'They act in training; elsewhere they pass on their input.',
    REGULARIZATIONS,
  ),
  family(
    'recurrent',
    'Recurrent layers',
    'Sequences are [N, T, C]. The cells are for bodies of `scan`, and for steps that a model makes by hand.',
    RECURRENTS,
  ),
  family(
    'attention',
    'Attention and positions',
    'Sequences are [N, T, C]; masks are true where attention may go.',
    ATTENTIONS,
  ),
  family('merge', 'Merging', 'Two or more inputs become one.', MERGES),
  family(
    'shape',
    'Shapes',
    'The same numbers in another shape, some of them, or more of them. Axis 0 is the batch.',
    SHAPES,
  ),
  family('math', 'Mathematics', 'Element by element, along axes, by indices.', MATHS),
  family(
    'random',
    'Random numbers and gradients',
    'What is drawn follows from the seed, the step and the name of the layer.',
    RANDOMS,
  ),
  family(
    'control',
    'Expressions, control flow and state',
    'Formulas, loops and conditions with bodies of layers, and values that a model keeps.',
    CONTROLS,
  ),
  family('detection', 'Detection', 'Boxes: where they may be, how well they match, which of them stay.', DETECTIONS),
  family('audio', 'Audio', 'From samples to spectra.', AUDIOS),
  family('augmentation', 'Augmentation', 'Part of the compiled graph, in training only.', AUGMENTATIONS),
];
