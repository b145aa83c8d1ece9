/** Caffe's name for softplus. */
import { defineActivation } from './elementwise';
import { softplusOf } from './softplus';

export const bnll = defineActivation({
  type: 'bnll',
  summary: "log(1 + exp(x)), the binomial normal log likelihood: Caffe's name for softplus.",
  apply: (_context, x, m) => softplusOf(m, x),
});
