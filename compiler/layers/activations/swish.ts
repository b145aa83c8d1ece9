/** Swish with a factor, given or learned. */
import { flag, flagOf, numberOf } from '../fields';
import { defineActivation } from './elementwise';

export const swish = defineActivation({
  type: 'swish',
  summary: 'x · sigmoid(beta · x).',
  details: [
    "Ramachandran et al. 2017; Caffe's Swish. With beta 1 it is `silu`, which is what Keras and PyTorch call swish too.",
    'Weights: `beta` [1] where it is learned.',
  ].join('\n\n'),
  example: '{name: act1, type: swish, beta: 1.5}',
  fields: {
    beta: { description: 'Factor in the sigmoid; where it is learned, its first value.', type: 'number', default: 1 },
    learned: flag('Makes beta a parameter. Not for `activation:` on another layer.', false),
  },
  parameters: ['beta'],
  cases: [{ beta: 1.5 }, {}, { beta: -0.5 }, { learned: true }],
  apply(context, x, m) {
    const value = numberOf(context.fields, 'beta');
    const beta = flagOf(context.fields, 'learned')
      ? context.parameter('beta', [1], { init: { type: 'constant', value }, decay: false })
      : value;
    return m.mul(x, m.op('sigmoid', beta === 1 ? x : m.mul(x, beta)));
  },
});
