/** Hard shrinkage. */
import { numberOf } from '../fields';
import { defineActivation } from './elementwise';

export const hardShrink = defineActivation({
  type: 'hard_shrink',
  summary: 'x where |x| is above the threshold, 0 elsewhere.',
  example: '{name: act1, type: hard_shrink, threshold: 0.5}',
  fields: {
    threshold: {
      description: 'Half the width of what becomes 0. (PyTorch: `lambd`.)',
      type: 'number',
      minimum: 0,
      default: 0.5,
    },
  },
  cases: [{ threshold: 0.5 }, { threshold: 1.1 }],
  apply: ({ fields }, x, m) => m.where(m.op('less_equal', m.op('abs', x), numberOf(fields, 'threshold')), 0, x),
});
