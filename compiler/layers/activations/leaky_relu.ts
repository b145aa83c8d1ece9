/** Rectifier with a slope below zero. */
import { numberOf } from '../fields';
import { defineActivation } from './elementwise';

export const leakyRelu = defineActivation({
  type: 'leaky_relu',
  summary: 'x where it is positive, slope · x elsewhere.',
  example: '{name: act1, type: leaky_relu, slope: 0.1}',
  fields: { slope: { description: 'Slope for negative x. (Keras: 0.3.)', type: 'number', default: 0.01 } },
  cases: [{ slope: 0.1 }, {}],
  apply: ({ b, fields }, x) =>
    b.op('where', [b.op('greater', [x, b.full(0)]), x, b.op('mul', [x, b.full(numberOf(fields, 'slope'))])]),
});
