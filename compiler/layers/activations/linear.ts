/** No activation at all, under the name it has where one must be given. */
import { defineActivation } from './elementwise';

export const linear = defineActivation({
  type: 'linear',
  summary: 'Passes x on: no activation.',
  apply: (_context, x) => x,
});
