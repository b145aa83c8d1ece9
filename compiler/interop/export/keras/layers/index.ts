/** Our layers that Keras has too, each with the function that writes it. */
import type { Use } from '../use';
import type { Value } from '../value';
import { activated, ACTIVATION_TYPES } from './activations';
import * as plain from './plain';
import * as window from './window';

type Write = (use: Use) => Value;

const axes = [1, 2, 3] as const;
const images = axes.flatMap((n): [string, Write][] => [
  [`conv${n}d`, (use) => window.convolution(use, n)],
  [`conv_transpose${n}d`, (use) => window.transposed(use, n)],
  [`max_pool${n}d`, (use) => window.pooling(use, n, 'Max')],
  [`avg_pool${n}d`, (use) => window.pooling(use, n, 'Average')],
  [`global_max_pool${n}d`, (use) => window.globalPooling(use, n, 'Max')],
  [`global_avg_pool${n}d`, (use) => window.globalPooling(use, n, 'Average')],
  [`upsample${n}d`, (use) => window.upSampling(use, n)],
  [`crop${n}d`, (use) => window.border(use, 'crop')],
]);
const byChannel = ([1, 2] as const).flatMap((n): [string, Write][] => [
  [`depthwise_conv${n}d`, (use) => window.depthwise(use, n)],
  [`separable_conv${n}d`, (use) => window.depthwise(use, n)],
]);
const MERGES = {
  add: 'Add',
  sub: 'Subtract',
  mul: 'Multiply',
  average: 'Average',
  maximum: 'Maximum',
  minimum: 'Minimum',
};
const NOISES: Readonly<Record<string, readonly [type: string, setting: string, field: string]>> = {
  dropout: ['Dropout', 'rate', 'rate'],
  alpha_dropout: ['AlphaDropout', 'rate', 'rate'],
  gaussian_dropout: ['GaussianDropout', 'rate', 'rate'],
  gaussian_noise: ['GaussianNoise', 'stddev', 'std'],
};
/** Without effect in prediction. */
const NOTHING = [
  ...['identity', 'drop_path', 'drop_block', 'spatial_dropout1d', 'spatial_dropout2d', 'spatial_dropout3d'],
  ...['activity_regularization', 'random_flip', 'random_rotation', 'random_translation', 'random_zoom', 'random_shear'],
  ...[
    'random_affine',
    'random_perspective',
    'random_elastic_transform',
    'random_erasing',
    'cutout',
    'random_brightness',
  ],
  ...['random_contrast', 'random_saturation', 'random_hue', 'color_jitter', 'random_grayscale', 'random_invert'],
  ...['random_solarize', 'random_posterize', 'random_auto_contrast', 'random_sharpness', 'random_gaussian_blur'],
  ...['rand_augment', 'mixup', 'cut_mix', 'random_resized_crop'],
];

export const WRITERS: ReadonlyMap<string, Write> = new Map<string, Write>([
  ...images,
  ...byChannel,
  ...NOTHING.map((type): [string, Write] => [type, plain.passed]),
  ...Object.entries(MERGES).map(([type, theirs]): [string, Write] => [type, (use) => plain.merge(use, theirs)]),
  ...Object.entries(NOISES).map(([type, [theirs, setting, field]]): [string, Write] => [
    type,
    (use) => plain.noise(use, theirs, setting, field),
  ]),
  ...ACTIVATION_TYPES.map((type): [string, Write] => [type, (use) => activated(use, use.input, type, use.fields)]),
  ...(['lstm', 'gru', 'rnn'] as const).map((type): [string, Write] => [type, (use) => plain.loop(use, type)]),
  ['random_crop', window.centerCrop],
  ['center_crop', window.centerCrop],
  ['crop_like', window.cropLike],
  ['pad', (use) => window.border(use, 'pad')],
  ['dense', plain.dense],
  ['flatten', plain.flatten],
  ['reshape', plain.reshape],
  ['permute', plain.permute],
  ['concat', plain.concat],
  ['scale', plain.scale],
  ['embedding', plain.embedding],
  ['batch_norm', plain.batchNorm],
  ['layer_norm', plain.layerNorm],
  ['standardize', plain.standardize],
  ['rescale', plain.rescale],
  ['multi_head_attention', plain.attention],
]);
