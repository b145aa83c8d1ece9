/** Logarithm of softmax along an axis. */
import { axisOf } from '../axis';
import { defineLayer } from '../define';
import { axisField } from '../fields';
import { requireFloat } from '../window';

export const logSoftmax = defineLayer({
  type: 'log_softmax',
  summary: 'The logarithms of the probabilities that softmax makes of scores along an axis.',
  details: 'x − max(x) − log Σ exp(x − max(x)). Keras takes the last axis unless told; here it is axis 1.',
  example: '{name: scores, type: log_softmax}',
  fields: { axis: axisField('The axis of the classes.', 1) },
  samples: [
    { inputs: [{ shape: ['N', 5], range: [-3, 3] }] },
    { inputs: [{ shape: ['N', 2, 7], range: [-3, 3] }], fields: { axis: -1 } },
  ],
  arity: [1, 1],
  lower(context, inputs) {
    requireFloat(context, inputs[0]!);
    return context.b.op('log_softmax', inputs, { axis: axisOf(context, inputs[0]!) });
  },
});
