/** Noise of a normal distribution, times or plus the input. */
import { defineLayer } from '../define';
import { numberOf } from '../fields';
import { requireFloat } from '../window';
import { alwaysField, draws, maskShape, rateField, sharedAxesField } from './masks';

export const gaussianDropout = defineLayer({
  type: 'gaussian_dropout',
  summary: 'Multiplies by normal noise around 1 in training; passes everything on elsewhere.',
  details:
    'The noise has standard deviation √(rate / (1 − rate)), that of dropout with this rate (Srivastava et al. 2014, section 10). GaussianDropout of Keras.',
  example: '{name: drop, type: gaussian_dropout, rate: 0.2}',
  fields: {
    rate: rateField('The rate of the dropout that it stands for.'),
    shared_axes: sharedAxesField,
    always: alwaysField,
  },
  arity: [1, 1],
  lower(context, inputs) {
    const { b } = context;
    const input = inputs[0]!;
    requireFloat(context, input);
    const rate = numberOf(context.fields, 'rate');
    const shape = maskShape(context, input);
    if (!draws(context) || rate === 0) return input;
    const attrs = { shape, mean: 1, std: Math.sqrt(rate / (1 - rate)), truncated: false };
    const noise = b.op('random_normal', [context.rng()], { ...attrs, stream: context.stream('noise') });
    return b.op('mul', [input, noise]);
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }], fields: { rate: 0.2 } },
    { name: 'shared', inputs: [{ shape: ['N', 3, 5] }], fields: { rate: 0.5, shared_axes: [1], always: true } },
    { name: 'nothing', inputs: [{ shape: ['N', 3] }], fields: { rate: 0 } },
  ],
});

export const gaussianNoise = defineLayer({
  type: 'gaussian_noise',
  summary: 'Adds normal noise in training; passes everything on elsewhere.',
  details: 'x + std · z with z of the standard normal distribution. GaussianNoise of Keras, whose field is `stddev`.',
  example: '{name: noisy, type: gaussian_noise, std: 0.1}',
  fields: {
    std: { description: 'Standard deviation of the noise.', type: 'number', minimum: 0, default: 1 },
    shared_axes: sharedAxesField,
    always: alwaysField,
  },
  arity: [1, 1],
  lower(context, inputs) {
    const { b } = context;
    const input = inputs[0]!;
    requireFloat(context, input);
    const std = numberOf(context.fields, 'std');
    const shape = maskShape(context, input);
    if (!draws(context) || std === 0) return input;
    const attrs = { shape, mean: 0, std, truncated: false, stream: context.stream('noise') };
    return b.op('add', [input, b.op('random_normal', [context.rng()], attrs)]);
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }], fields: { std: 0.1 } },
    { name: 'shared', inputs: [{ shape: ['N', 5, 3] }], fields: { shared_axes: -1, always: true } },
    { name: 'nothing', inputs: [{ shape: ['N', 3] }], fields: { std: 0 } },
  ],
});
