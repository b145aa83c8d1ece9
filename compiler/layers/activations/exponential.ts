/** The exponential as an activation: for rates and variances, which are positive. */
import { defineActivation } from './elementwise';

export const exponential = defineActivation({
  type: 'exponential',
  summary: 'exp(x), infinite in float32 from 88.7 on.',
  details: 'As in Keras. `exp` is the layer with base, scale and shift.',
  apply: (_context, x, m) => m.exp(x),
});
