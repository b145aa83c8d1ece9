/** The classes of Keras that are read, each with the function that converts a call of it. */
import type { Use } from '../use';
import type { Value } from '../value';
import * as attention from './attention';
import * as convolution from './convolution';
import * as image from './image';
import * as merge from './merge';
import * as normalization from './normalization';
import * as plain from './plain';
import * as preprocessing from './preprocessing';
import { masking, recurrent } from './recurrent';
import { timeDistributed } from './wrappers';

export interface Conversion {
  readonly convert: (use: Use) => Value | readonly Value[];
  /** Whether a mask of its input is one of its output. */
  readonly keepsMask?: boolean;
  /** Its spatial axes, where it works on images. */
  readonly spatial?: 1 | 2 | 3;
  /** Works on images one step after the other. */
  readonly steps?: boolean;
}

type Convert = Conversion['convert'];
type Axes = 1 | 2 | 3;

/** A family of classes named by their number of spatial axes. */
function spatial(name: (axes: Axes) => string, convert: (use: Use, axes: Axes) => Value): [string, Conversion][] {
  return ([1, 2, 3] as const).map((axes) => [name(axes), { convert: (use) => convert(use, axes), spatial: axes }]);
}

const kept = (convert: Convert): Conversion => ({ convert, keepsMask: true });
const all = (types: readonly string[], conversion: Conversion): [string, Conversion][] =>
  types.map((type) => [type, conversion]);

const MERGES = {
  Add: 'add',
  Subtract: 'sub',
  Multiply: 'mul',
  Average: 'average',
  Maximum: 'maximum',
  Minimum: 'minimum',
  Divide: 'div',
  TrueDivide: 'div',
};
const NOISES = [
  ...['Dropout', 'AlphaDropout', 'GaussianDropout', 'GaussianNoise'],
  ...['SpatialDropout1D', 'SpatialDropout2D', 'SpatialDropout3D'],
];
const ACTIVATIONS = ['Activation', 'ReLU', 'LeakyReLU', 'ELU', 'ThresholdedReLU', 'Softmax'];
const LOOPS = ['LSTM', 'GRU', 'SimpleRNN', 'CuDNNLSTM', 'CuDNNGRU', 'RNN'];
const CHANCES = [
  ...['RandomFlip', 'RandomRotation', 'RandomTranslation', 'RandomZoom', 'RandomBrightness', 'RandomContrast'],
  ...['RandomShear', 'RandomPerspective', 'RandomHue', 'RandomSaturation', 'RandomColorJitter', 'RandomErasing'],
];

export const CONVERSIONS: ReadonlyMap<string, Conversion> = new Map<string, Conversion>([
  ...spatial((n) => `Conv${n}D`, convolution.convolution),
  ...spatial((n) => `Conv${n}DTranspose`, convolution.transposed),
  ...spatial((n) => `SeparableConv${n}D`, convolution.separable).slice(0, 2),
  ...spatial((n) => `DepthwiseConv${n}D`, convolution.separable).slice(0, 2),
  ['LocallyConnected1D', { convert: (use) => convolution.locallyConnected(use, 1), spatial: 1 }],
  ['LocallyConnected2D', { convert: (use) => convolution.locallyConnected(use, 2), spatial: 2 }],
  ...spatial(
    (n) => `MaxPooling${n}D`,
    (use, n) => image.pooling(use, n, 'max'),
  ),
  ...spatial(
    (n) => `AveragePooling${n}D`,
    (use, n) => image.pooling(use, n, 'avg'),
  ),
  ...spatial(
    (n) => `GlobalMaxPooling${n}D`,
    (use, n) => image.globalPooling(use, n, 'max'),
  ),
  ...spatial(
    (n) => `GlobalAveragePooling${n}D`,
    (use, n) => image.globalPooling(use, n, 'avg'),
  ),
  ...spatial(
    (n) => `AdaptiveMaxPooling${n}D`,
    (use, n) => image.adaptivePooling(use, n, 'max'),
  ),
  ...spatial(
    (n) => `AdaptiveAveragePooling${n}D`,
    (use, n) => image.adaptivePooling(use, n, 'avg'),
  ),
  ...spatial((n) => `UpSampling${n}D`, image.upSampling),
  ...spatial(
    (n) => `Cropping${n}D`,
    (use, n) => image.border(use, n, 'crop'),
  ),
  ...spatial(
    (n) => `ZeroPadding${n}D`,
    (use, n) => image.border(use, n, 'pad'),
  ),
  ...all(['ConvLSTM1D', 'ConvLSTM2D', 'ConvLSTM3D'], { convert: recurrent, steps: true }),
  ...Object.entries(MERGES).map(([type, ours]): [string, Conversion] => [
    type,
    { convert: (use) => merge.merge(use, ours) },
  ]),
  ['Concatenate', { convert: merge.concatenate }],
  ['Dot', { convert: merge.dot }],
  ['Dense', kept(plain.dense)],
  ['EinsumDense', kept(attention.einsumDense)],
  ['BatchNormalization', kept(normalization.batchNorm)],
  ...all(['LayerNormalization', 'RMSNormalization'], kept(normalization.layerNorm)),
  ['GroupNormalization', kept(normalization.groupNorm)],
  ['UnitNormalization', kept(normalization.unitNorm)],
  ['Normalization', kept(normalization.standardize)],
  ['Flatten', { convert: plain.flatten }],
  ['Reshape', { convert: plain.reshape }],
  ['Permute', { convert: plain.permute }],
  ['RepeatVector', { convert: plain.repeatVector }],
  ['Embedding', { convert: plain.embedding }],
  ['Identity', kept(plain.passed)],
  ['ActivityRegularization', kept(plain.activityRegularization)],
  ['PReLU', kept(plain.prelu)],
  ...all(NOISES, kept(plain.noise)),
  ...all(ACTIVATIONS, kept(plain.activation)),
  ...all(LOOPS, { convert: recurrent }),
  ['Bidirectional', { convert: recurrent }],
  ['Masking', { convert: masking }],
  ['TimeDistributed', kept(timeDistributed)],
  ...all(['Attention', 'AdditiveAttention'], kept(attention.attention)),
  ...all(['MultiHeadAttention', 'GroupQueryAttention', 'GroupedQueryAttention'], kept(attention.multiHeadAttention)),
  ['Rescaling', kept(preprocessing.rescaling)],
  ['Resizing', { convert: preprocessing.resizing, spatial: 2 }],
  ['CenterCrop', { convert: preprocessing.centerCrop, spatial: 2 }],
  ['CategoryEncoding', { convert: preprocessing.categoryEncoding }],
  ...all(CHANCES, kept(preprocessing.chance)),
]);
