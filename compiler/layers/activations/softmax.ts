/** Softmax along an axis. */
import { axisOf } from '../axis';
import { defineLayer } from '../define';
import { axisField } from '../fields';
import { requireFloat } from '../window';

export const softmax = defineLayer({
  type: 'softmax',
  summary: 'Turns scores into probabilities that sum to 1 along an axis.',
  details:
    'exp(x) / Σ exp(x), computed after the maximum is taken off. Give the scores themselves, not these probabilities, to a `cross_entropy` loss: it contains the softmax.',
  example: '{name: probs, type: softmax}',
  fields: { axis: axisField('The axis of the classes.', 1) },
  samples: [
    { inputs: [{ shape: ['N', 5], range: [-3, 3] }] },
    { inputs: [{ shape: ['N', 2, 7], range: [-3, 3] }], fields: { axis: -1 } },
  ],
  arity: [1, 1],
  lower(context, inputs) {
    requireFloat(context, inputs[0]!);
    return context.b.op('softmax', inputs, { axis: axisOf(context, inputs[0]!) });
  },
});
