/**
 * Batch normalization. Training is one op with the batch's statistics; everywhere else it is an affine function of
 * the running ones, computed on [C] so that a pass can fold it into the convolution before.
 */
import type { Value } from '../../ir/graph';
import type { LowerContext } from '../define';
import { defineLayer } from '../define';
import { flag, flagOf, numberOf } from '../fields';
import { requireFloat } from '../window';

export const batchNorm = defineLayer({
  type: 'batch_norm',
  summary: 'Normalizes each channel to mean 0 and variance 1 over the batch, then scales and shifts it.',
  details: [
    'Input [N, C, ...]: axis 1 holds the channels. Training uses the statistics of the batch, evaluation and prediction the running ones.',
    'Weights: `gamma` and `beta` [C], and the running `mean` and `variance` [C], which are no parameters but saved with them. As in PyTorch `momentum` is the share of the *new* statistics (Keras and Caffe write 1 − momentum) and the running variance is the unbiased one.',
    'With `frozen: true` the running statistics are used in training too and stay as they are.',
  ].join('\n\n'),
  example: '{name: bn1, type: batch_norm, activation: relu}',
  fields: {
    momentum: {
      description: 'Share of the new statistics in the running ones.',
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: 0.1,
    },
    epsilon: { description: 'Added to the variance.', type: 'number', exclusiveMinimum: 0, default: 1e-5 },
    scale: flag('Multiplies by a learned `gamma`.', true),
    center: flag('Adds a learned `beta`.', true),
  },
  arity: [1, 1],
  activates: true,
  parameters: ['gamma', 'beta'],
  lower(context, inputs) {
    const input = inputs[0]!;
    requireFloat(context, input);
    const channels = input.type.shape[1];
    if (channels === undefined) {
      return context.mismatch('shape', 'it needs channels on axis 1');
    }
    const mean = context.buffer('mean', [channels], 'zeros');
    const variance = context.buffer('variance', [channels], 'ones');
    const gamma = flagOf(context.fields, 'scale')
      ? context.parameter('gamma', [channels], { init: 'ones' })
      : context.b.full(1, [channels]);
    const beta = flagOf(context.fields, 'center')
      ? context.parameter('beta', [channels], { init: 'zeros' })
      : context.b.full(0, [channels]);
    return context.mode === 'train' && context.fields['frozen'] !== true
      ? normalizeBatch(context, input, gamma, beta, mean, variance)
      : applyRunning(context, input, gamma, beta, mean, variance);
  },
});

type Lower = (context: LowerContext, x: Value, gamma: Value, beta: Value, mean: Value, variance: Value) => Value;

const normalizeBatch: Lower = (context, x, gamma, beta, mean, variance) => {
  const { b, fields } = context;
  const [y, batchMean, batchVariance] = b.ops('batch_norm_train', [x, gamma, beta], {
    epsilon: numberOf(fields, 'epsilon'),
  }) as readonly [Value, Value, Value];
  const count = x.type.shape.reduce((product, extent, axis) => (axis === 1 ? product : product * extent), 1);
  const momentum = numberOf(fields, 'momentum');
  const blend = (old: Value, fresh: Value, factor: number): Value =>
    b.op('add', [b.op('mul', [old, b.full(1 - momentum)]), b.op('mul', [fresh, b.full(factor)])]);
  context.updateBuffer(mean, blend(mean, batchMean, momentum));
  // A batch with one element a channel has no unbiased variance; its variance of 0 enters as it is.
  context.updateBuffer(variance, blend(variance, batchVariance, (momentum * count) / Math.max(1, count - 1)));
  return y;
};

const applyRunning: Lower = ({ b, fields }, x, gamma, beta, mean, variance) => {
  const deviation = b.op('sqrt', [b.op('add', [variance, b.full(numberOf(fields, 'epsilon'))])]);
  const slope = b.op('div', [gamma, deviation]);
  const shift = b.op('sub', [beta, b.op('mul', [mean, slope])]);
  const shape = x.type.shape.map((extent, axis) => (axis === 1 ? extent : 1));
  const along = (perChannel: Value): Value => b.op('reshape', [perChannel], { shape });
  return b.op('add', [b.op('mul', [x, along(slope)]), along(shift)]);
};
