/** Normalizations over parts of one sample: groups of channels, or single channels. */
import type { Value } from '../../ir/graph';
import { elementCount } from '../../ir/types';
import type { LowerContext } from '../define';
import { defineLayer } from '../define';
import { flag, flagOf, numberOf, positive } from '../fields';
import { requireFloat } from '../window';
import { affineOf, centerField, epsilonField, normalizeRows, scaleChannels, scaleField } from './affine';
import { runningAverage } from './running';

/** Normalizes [N, C, …] over each of `groups` parts of the channels. */
function normalizeGroups(context: LowerContext, x: Value, groups: number): readonly [Value, Value, Value] {
  const { b } = context;
  const [batch = 1] = x.type.shape;
  const width = elementCount(x.type.shape.slice(1)) / groups;
  const rows = b.op('reshape', [x], { shape: [batch, groups, width] });
  const [y, mean, rstd] = normalizeRows(context, rows, 2);
  return [b.op('reshape', [y], { shape: x.type.shape }), mean, rstd];
}

function channelsOf(context: LowerContext, x: Value): number {
  requireFloat(context, x);
  return x.type.shape[1] ?? context.mismatch('shape', 'it needs channels on axis 1');
}

export const groupNorm = defineLayer({
  type: 'group_norm',
  summary:
    'Normalizes groups of channels of each sample to mean 0 and variance 1, then scales and shifts each channel.',
  details: [
    'Input [N, C, …], output alike: y = gamma[c] · (x − mean) / √(variance + epsilon) + beta[c], with mean and biased variance over the C / groups channels of a group and all axes behind (Wu and He 2018). Weights: `gamma` and `beta` [C].',
    'It does not look at the batch, and is the same in training and prediction. `groups: 1` normalizes whole samples. PyTorch has no default for the groups; Keras has 32 of them and an epsilon of 1e-3. Caffe has none.',
  ].join('\n\n'),
  example: '{name: norm1, type: group_norm, groups: 4}',
  fields: {
    groups: positive('Number of groups; it divides the channels.', { default: 32 }),
    epsilon: epsilonField(1e-5),
    scale: scaleField,
    center: centerField,
  },
  arity: [1, 1],
  activates: true,
  parameters: ['gamma', 'beta'],
  lower(context, inputs) {
    const x = inputs[0]!;
    const channels = channelsOf(context, x);
    const groups = numberOf(context.fields, 'groups');
    if (channels % groups !== 0) {
      context.fail(['groups'], `${groups} groups do not divide the ${channels} channels of the input`);
    }
    const [y] = normalizeGroups(context, x, groups);
    return scaleChannels(context, y, affineOf(context, [channels]));
  },
  samples: [
    { inputs: [{ shape: ['N', 8, 3] }], fields: { groups: 4 } },
    { inputs: [{ shape: ['N', 4, 2, 3] }], fields: { groups: 2, epsilon: 1e-3 } },
    { inputs: [{ shape: ['N', 6] }], fields: { groups: 1, scale: false } },
    { inputs: [{ shape: ['N', 3, 5] }], fields: { groups: 3, scale: false, center: false } },
  ],
});

export const instanceNorm = defineLayer({
  type: 'instance_norm',
  summary: 'Normalizes each channel of each sample to mean 0 and variance 1, then scales and shifts it.',
  details: [
    'Input [N, C, …] with at least one axis behind the channels, output alike: y = gamma[c] · (x − mean) / √(variance + epsilon) + beta[c], with mean and biased variance over those axes (Ulyanov et al. 2016). Weights: `gamma` and `beta` [C].',
    "With `running: true` evaluation and prediction use running statistics in place of the sample's own: `mean` and `variance` [C] hold the averages over the batch, with the unbiased variance (PyTorch's `track_running_stats`).",
    "PyTorch's InstanceNorm neither scales nor shifts unless told (`affine`). In Keras it is GroupNormalization with groups of one channel.",
  ].join('\n\n'),
  example: '{name: norm1, type: instance_norm}',
  fields: {
    epsilon: epsilonField(1e-5),
    scale: scaleField,
    center: centerField,
    running: flag('Keeps running statistics, and uses them outside of training.', false),
    momentum: {
      description: 'Share of the new statistics in the running ones; 0.1 unless said.',
      type: 'number',
      minimum: 0,
      maximum: 1,
    },
  },
  arity: [1, 1],
  activates: true,
  parameters: ['gamma', 'beta'],
  lower(context, inputs) {
    const { b, fields } = context;
    const x = inputs[0]!;
    const channels = channelsOf(context, x);
    const [batch = 1] = x.type.shape;
    const count = elementCount(x.type.shape.slice(2));
    if (count === 1) context.mismatch('shape', 'a channel of one element has no variance: nothing would be left of it');
    const running = flagOf(fields, 'running');
    const { momentum = 0.1 } = fields;
    if (!running && fields['momentum'] !== undefined) {
      context.fail(['momentum'], 'there are no running statistics it could be of', 'write `running: true`');
    }
    const affine = affineOf(context, [channels]);
    if (!running) return scaleChannels(context, normalizeGroups(context, x, channels)[0], affine);

    const mean = context.buffer('mean', [channels], 'zeros');
    const variance = context.buffer('variance', [channels], 'ones');
    const epsilon = numberOf(fields, 'epsilon');
    if (context.mode !== 'train' || fields['frozen'] === true) {
      const spread = (value: Value): Value =>
        b.op('reshape', [value], { shape: x.type.shape.map((extent, axis) => (axis === 1 ? extent : 1)) });
      const rstd = b.op('rsqrt', [b.op('add', [variance, b.full(epsilon)])]);
      const y = b.op('mul', [b.op('sub', [x, spread(mean)]), spread(rstd)]);
      return scaleChannels(context, y, affine);
    }
    const [y, means, rstds] = normalizeGroups(context, x, channels);
    const overBatch = (value: Value): Value =>
      b.op('mul', [b.op('reduce_sum', [value], { axes: [0], keepdims: false }), b.full(1 / batch)]);
    const variances = b.op('sub', [b.op('reciprocal', [b.op('square', [rstds])]), b.full(epsilon)]);
    runningAverage(context, momentum as number, false, [
      { buffer: mean, fresh: overBatch(means), factor: 1 },
      { buffer: variance, fresh: overBatch(variances), factor: count / (count - 1) },
    ]);
    return scaleChannels(context, y, affine);
  },
  samples: [
    { inputs: [{ shape: ['N', 2, 3, 2] }] },
    { inputs: [{ shape: ['N', 3, 5] }], fields: { scale: false, center: false, epsilon: 1e-3 } },
    { inputs: [{ shape: ['N', 2, 5] }], fields: { running: true, momentum: 0.25 } },
  ],
});
