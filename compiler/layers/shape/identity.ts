/** Passes its input on. */
import { defineLayer } from '../define';

export const identity = defineLayer({
  type: 'identity',
  summary: 'Passes its input on: a name for a place in the network.',
  example: '{name: features, type: identity}',
  fields: {},
  arity: [1, 1],
  activates: true,
  lower: (_context, inputs) => inputs[0]!,
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }] },
    { name: 'with an activation', inputs: [{ shape: ['N', 5] }], fields: { activation: 'tanh' } },
  ],
});
