/** Soft shrinkage. */
import { numberOf } from '../fields';
import { defineActivation } from './elementwise';
import { clipTo } from './hold';

export const softShrink = defineActivation({
  type: 'soft_shrink',
  summary: 'Draws x towards 0 by the threshold: sign(x) · max(|x| − threshold, 0).',
  example: '{name: act1, type: soft_shrink, threshold: 0.5}',
  fields: {
    threshold: {
      description: 'How far it draws. (PyTorch: `lambd`.)',
      type: 'number',
      minimum: 0,
      default: 0.5,
    },
  },
  cases: [{ threshold: 0.5 }, { threshold: 1.1 }],
  apply({ fields }, x, m) {
    const threshold = numberOf(fields, 'threshold');
    return m.sub(x, clipTo(m, x, -threshold, threshold));
  },
});
