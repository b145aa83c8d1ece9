/**
 * Batch normalization. Training is one op with the batch's statistics; everywhere else it is an affine function of
 * the running ones, computed on [C] so that a pass can fold it into the convolution before.
 */
import type { Value } from '../../ir/graph';
import { viewAround } from '../../ops/families/channels';
import { axisOf } from '../axis';
import type { LowerContext } from '../define';
import { defineLayer } from '../define';
import { axisField, flag, flagOf, numberOf } from '../fields';
import { requireFloat } from '../window';
import type { Affine } from './affine';
import { affineOf, centerField, epsilonField, scaleField } from './affine';
import { runningAverage } from './running';

export const batchNorm = defineLayer({
  type: 'batch_norm',
  summary: 'Normalizes each channel to mean 0 and variance 1 over the batch, then scales and shifts it.',
  details: [
    'y = gamma · (x − mean) / √(variance + epsilon) + beta (Ioffe and Szegedy 2015). Input [N, C, ...] unless `axis` says where the channels are, output alike. Training uses the mean and the biased variance of the batch, evaluation and prediction the running ones.',
    'Weights: `gamma` and `beta` [C], and the running `mean` and `variance` [C], which are no parameters but saved with them.',
    "`momentum` is the share of the *new* statistics, as in PyTorch; Keras (0.99) and Caffe (`moving_average_fraction` 0.999) write 1 − momentum. The running variance is the unbiased one in PyTorch and Caffe, the batch's biased one in Keras. Keras has an epsilon of 1e-3 and its channels on axis −1.",
    "With `average: corrected` the zeros and ones that the buffers start from do not count: what Caffe gets by dividing by its third blob. With `momentum: 0` it is then the plain mean over all steps, PyTorch's `momentum=None`. Caffe's layer neither scales nor shifts (`scale: false, center: false`): its Scale layer does.",
    "With `use_running: true` training uses the running statistics too and leaves them as they are, while gamma and beta still learn (Caffe's `use_global_stats`). With `frozen: true` they do not either.",
  ].join('\n\n'),
  example: '{name: bn1, type: batch_norm, activation: relu}',
  fields: {
    axis: axisField('Where the channels are.', 1),
    momentum: {
      description: 'Share of the new statistics in the running ones; 0.1 unless said.',
      type: 'number',
      minimum: 0,
      maximum: 1,
    },
    epsilon: epsilonField(1e-5),
    scale: scaleField,
    center: centerField,
    running_variance: {
      description:
        'Which variance of the batch goes into the running one: `unbiased`, by count − 1 (PyTorch, Caffe; the default), or `biased`, by count (Keras).',
      enum: ['unbiased', 'biased'],
    },
    average: {
      description:
        'How the running statistics are averaged: `exponential` from their initial values on (the default), or `corrected`, as if there had been none.',
      enum: ['exponential', 'corrected'],
    },
    use_running: flag('Normalizes by the running statistics in training too, and leaves them as they are.', false),
  },
  arity: [1, 1],
  activates: true,
  parameters: ['gamma', 'beta'],
  lower(context, inputs) {
    const { b, fields } = context;
    const input = inputs[0]!;
    requireFloat(context, input);
    if (input.type.shape.length < 2) context.mismatch('shape', 'it needs channels on axis 1');
    const axis = axisOf(context, input, 1);
    const channels = input.type.shape[axis] ?? 1;
    const given = ['momentum', 'running_variance', 'average'].find((name) => fields[name] !== undefined);
    if (flagOf(fields, 'use_running') && given !== undefined) {
      context.fail([given], 'the running statistics stay as they are with `use_running`', 'leave it out');
    }
    const mean = context.buffer('mean', [channels], 'zeros');
    const variance = context.buffer('variance', [channels], 'ones');
    const affine = affineOf(context, [channels]);
    if (context.mode !== 'train' || fields['frozen'] === true || flagOf(fields, 'use_running')) {
      return applyRunning(context, input, axis, affine, mean, variance);
    }
    if (axis === 1) return normalizeBatch(context, input, affine, mean, variance);
    // Channels on another axis are on axis 1 of a view.
    const { outer, extent, inner } = viewAround(input.type.shape, axis);
    const view = b.op('reshape', [input], { shape: [outer, extent, inner] });
    const y = normalizeBatch(context, view, affine, mean, variance);
    return b.op('reshape', [y], { shape: input.type.shape });
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }] },
    { inputs: [{ shape: ['N', 2, 3, 2] }], fields: { momentum: 0.25, running_variance: 'biased', scale: false } },
    { inputs: [{ shape: ['N', 5, 3] }], fields: { axis: -1, average: 'corrected', center: false, epsilon: 1e-3 } },
    { inputs: [{ shape: ['N', 2, 3, 2] }], fields: { axis: 2, average: 'corrected', momentum: 0 } },
    { inputs: [{ shape: ['N', 3, 5] }], fields: { use_running: true, scale: false, center: false } },
  ],
});

function normalizeBatch(context: LowerContext, x: Value, affine: Affine, mean: Value, variance: Value): Value {
  const { b, fields } = context;
  const [, channels = 1] = x.type.shape;
  const gamma = affine.gamma ?? b.full(1, [channels]);
  const beta = affine.beta ?? b.full(0, [channels]);
  const attrs = { epsilon: numberOf(fields, 'epsilon') };
  const made = b.ops('batch_norm_train', [x, gamma, beta], attrs) as readonly [Value, Value, Value];
  const [y, batchMean, batchVariance] = made;
  const { momentum = 0.1, running_variance = 'unbiased' } = fields;
  const count = x.type.shape.reduce((product, extent, axis) => (axis === 1 ? product : product * extent), 1);
  // A batch with one element a channel has no unbiased variance; its variance of 0 enters as it is.
  const factor = running_variance === 'unbiased' ? count / Math.max(1, count - 1) : 1;
  runningAverage(context, momentum as number, fields['average'] === 'corrected', [
    { buffer: mean, fresh: batchMean, factor: 1 },
    { buffer: variance, fresh: batchVariance, factor },
  ]);
  return y;
}

function applyRunning(
  { b, fields }: LowerContext,
  x: Value,
  axis: number,
  { gamma, beta }: Affine,
  mean: Value,
  variance: Value,
): Value {
  const deviation = b.op('sqrt', [b.op('add', [variance, b.full(numberOf(fields, 'epsilon'))])]);
  const slope = b.op('div', [gamma ?? b.full(1), deviation]);
  const offset = b.op('mul', [mean, slope]);
  const shift = beta ? b.op('sub', [beta, offset]) : b.op('neg', [offset]);
  const shape = x.type.shape.map((extent, i) => (i === axis ? extent : 1));
  const along = (perChannel: Value): Value => b.op('reshape', [perChannel], { shape });
  return b.op('add', [b.op('mul', [x, along(slope)]), along(shift)]);
}
