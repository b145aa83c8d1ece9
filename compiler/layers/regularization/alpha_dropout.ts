/** Dropout for self-normalizing networks. */
import { defineLayer } from '../define';
import { numberOf } from '../fields';
import { requireFloat } from '../window';
import { alwaysField, draws, keptElements, maskShape, rateField, sharedAxesField } from './masks';

/** The value that selu tends to on the left: −scale · alpha. */
const SATURATED = -1.0507009873554805 * 1.6732632423543772;

export const alphaDropout = defineLayer({
  type: 'alpha_dropout',
  summary: 'Dropout that keeps mean 0 and variance 1, to be used with selu.',
  details:
    'Dropped elements become s = −1.7581, what selu tends to, and all of them a · x + b with a = 1 / √((1 − rate)(1 + rate · s²)), b = −a · rate · s (Klambauer et al. 2017). AlphaDropout of Keras and PyTorch; `shared_axes: [2, 3]` is the FeatureAlphaDropout of PyTorch for images. Passes everything on outside of training.',
  example: '{name: drop, type: alpha_dropout, rate: 0.1}',
  fields: { rate: rateField('Share of the elements dropped.'), shared_axes: sharedAxesField, always: alwaysField },
  arity: [1, 1],
  lower(context, inputs) {
    const { b } = context;
    const input = inputs[0]!;
    requireFloat(context, input);
    const rate = numberOf(context.fields, 'rate');
    const shape = maskShape(context, input);
    if (!draws(context) || rate === 0) return input;
    const factor = 1 / Math.sqrt((1 - rate) * (1 + rate * SATURATED * SATURATED));
    const kept = b.op('where', [keptElements(context, shape, rate), input, b.full(SATURATED)]);
    return b.op('add', [b.op('mul', [kept, b.full(factor)]), b.full(-factor * rate * SATURATED)]);
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }], fields: { rate: 0.1 } },
    { name: 'channels', inputs: [{ shape: ['N', 5, 3, 1] }], fields: { rate: 0.5, shared_axes: [2, 3], always: true } },
    { name: 'nothing', inputs: [{ shape: ['N', 3] }], fields: { rate: 0 } },
  ],
});
