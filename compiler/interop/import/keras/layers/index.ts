/** The classes of Keras that are read, each with the function that converts a call of it. */
import type { Use } from '../use';
import type { Value } from '../value';
import * as image from './image';
import * as plain from './plain';
import { masking, recurrent } from './recurrent';

export interface Conversion {
  readonly convert: (use: Use) => Value;
  /** Whether a mask of its input is one of its output. */
  readonly keepsMask?: boolean;
  /** Its spatial axes, where it works on images. */
  readonly spatial?: 1 | 2 | 3;
}

function spatial(convert: (use: Use, axes: 1 | 2 | 3) => Value, axes: 1 | 2 | 3): Conversion {
  return { convert: (use) => convert(use, axes), spatial: axes };
}

const axesOf = [1, 2, 3] as const;
const images = axesOf.flatMap((axes): (readonly [string, Conversion])[] => [
  [`Conv${axes}D`, spatial(image.convolution, axes)],
  [`MaxPooling${axes}D`, spatial((use, n) => image.pooling(use, n, 'max'), axes)],
  [`AveragePooling${axes}D`, spatial((use, n) => image.pooling(use, n, 'avg'), axes)],
  [`GlobalMaxPooling${axes}D`, spatial((use, n) => image.globalPooling(use, n, 'max'), axes)],
  [`GlobalAveragePooling${axes}D`, spatial((use, n) => image.globalPooling(use, n, 'avg'), axes)],
  [`UpSampling${axes}D`, spatial(image.upSampling, axes)],
  [`Cropping${axes}D`, spatial((use, n) => image.border(use, n, 'crop'), axes)],
  [`ZeroPadding${axes}D`, spatial((use, n) => image.border(use, n, 'pad'), axes)],
]);

const kept = (convert: (use: Use) => Value): Conversion => ({ convert, keepsMask: true });
const merges = {
  Add: 'add',
  Subtract: 'sub',
  Multiply: 'mul',
  Average: 'average',
  Maximum: 'maximum',
  Minimum: 'minimum',
};
const NOISES = ['Dropout', 'AlphaDropout', 'GaussianDropout', 'GaussianNoise', 'SpatialDropout1D', 'SpatialDropout2D'];
const ACTIVATIONS = ['Activation', 'ReLU', 'LeakyReLU', 'ELU', 'ThresholdedReLU', 'Softmax'];

export const CONVERSIONS: ReadonlyMap<string, Conversion> = new Map<string, Conversion>([
  ...images,
  ['SeparableConv2D', { convert: image.separable, spatial: 2 }],
  ['DepthwiseConv2D', { convert: image.separable, spatial: 2 }],
  ...Object.entries(merges).map(([type, ours]) => [type, { convert: (use: Use) => plain.merge(use, ours) }] as const),
  ['Concatenate', { convert: plain.concatenate }],
  ['Dense', kept(plain.dense)],
  ['BatchNormalization', kept(plain.batchNorm)],
  ['Flatten', { convert: plain.flatten }],
  ['Reshape', { convert: plain.reshape }],
  ['Permute', { convert: plain.permute }],
  ['RepeatVector', { convert: plain.repeatVector }],
  ['Embedding', { convert: plain.embedding }],
  ['PReLU', kept(plain.prelu)],
  ...[...NOISES, 'SpatialDropout3D'].map((type) => [type, kept(plain.noise)] as const),
  ...ACTIVATIONS.map((type) => [type, kept(plain.activation)] as const),
  ...['LSTM', 'GRU', 'SimpleRNN', 'Bidirectional'].map((type) => [type, { convert: recurrent }] as const),
  ['Masking', { convert: masking }],
]);
