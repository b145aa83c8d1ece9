/** No activation at all, under the name it has where one must be given. */
import { defineActivation } from './elementwise';

export const linear = defineActivation({
  type: 'linear',
  summary: 'Passes x on: no activation.',
  details: 'Only as a value of `activation:`; the layer is `identity`.',
  example: '{name: fc1, type: dense, units: 10, activation: linear}',
  apply: (_context, x) => x,
});
