/** Stochastic depth. */
import { defineLayer } from '../define';
import { numberOf, wordOf } from '../fields';
import { requireFloat } from '../window';
import { alwaysField, draws, rateField, scaledMask } from './masks';

export const dropPath = defineLayer({
  type: 'drop_path',
  summary: 'Sets whole samples to 0 in training and scales the rest up: stochastic depth.',
  details:
    "Put it at the end of a residual branch, before the `add`: for the share `rate` of the samples the branch is left out (Huang et al. 2016; scaled up in training as in timm, instead of down at prediction as in the paper). `per: batch` decides for all samples of a batch at once, torchvision's `mode='batch'`; its `mode='row'` is `per: sample`.",
  example: '{name: skip, type: drop_path, rate: 0.1}',
  fields: {
    rate: rateField('Probability that a sample is dropped.'),
    per: { description: 'What is dropped together.', enum: ['sample', 'batch'], default: 'sample' },
    always: alwaysField,
  },
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    requireFloat(context, input);
    const rate = numberOf(context.fields, 'rate');
    if (!draws(context) || rate === 0) return input;
    const each = wordOf(context.fields, 'per') === 'sample';
    const shape = input.type.shape.map((extent, axis) => (each && axis === 0 ? extent : 1));
    return context.b.op('mul', [input, scaledMask(context, shape, rate)]);
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }], fields: { rate: 0.1 } },
    { name: 'the batch', inputs: [{ shape: ['N', 3] }], fields: { rate: 0.5, per: 'batch', always: true } },
    { name: 'nothing', inputs: [{ shape: ['N', 3] }], fields: { rate: 0 } },
  ],
});
