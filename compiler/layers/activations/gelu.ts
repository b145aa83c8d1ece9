/** Gaussian error linear unit, exact or in the approximation by tanh. */
import { wordOf } from '../fields';
import { defineActivation } from './elementwise';

export const gelu = defineActivation({
  type: 'gelu',
  summary: 'x · Φ(x), Φ being the normal distribution function.',
  details:
    'Exact: x / 2 · (1 + erf(x / √2)). With `approximate: tanh`: x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))), as in BERT and GPT-2.',
  example: '{name: act1, type: gelu, approximate: tanh}',
  fields: {
    approximate: { description: 'Whether to approximate, and how.', enum: ['none', 'tanh'], default: 'none' },
  },
  cases: [{ approximate: 'tanh' }, { approximate: 'none' }],
  apply({ b, fields }, x) {
    const half = b.op('mul', [x, b.full(0.5)]);
    if (wordOf(fields, 'approximate') === 'none') {
      const erf = b.op('erf', [b.op('mul', [x, b.full(Math.SQRT1_2)])]);
      return b.op('mul', [half, b.op('add', [erf, b.full(1)])]);
    }
    const cube = b.op('mul', [b.op('square', [x]), x]);
    const inner = b.op('add', [x, b.op('mul', [cube, b.full(0.044715)])]);
    const tanh = b.op('tanh', [b.op('mul', [inner, b.full(Math.sqrt(2 / Math.PI))])]);
    return b.op('mul', [half, b.op('add', [tanh, b.full(1)])]);
  },
});
