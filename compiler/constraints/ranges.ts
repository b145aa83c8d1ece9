/** Constraints on single elements. */
import type { Json } from '../frontend/spec';
import { defineConstraint } from './define';

const optional = (value: Json | undefined): number | undefined => (typeof value === 'number' ? value : undefined);

export const range = defineConstraint({
  type: 'range',
  summary: 'Cuts every element to low … high.',
  details:
    'w ← min(max(w, low), high); one of the two may be left out. With −0.01 and 0.01 it is the weight clipping of the Wasserstein GAN (Arjovsky et al. 2017).',
  example: '{type: range, low: -0.01, high: 0.01}',
  fields: {
    low: { description: 'Least value.', type: 'number' },
    high: { description: 'Greatest value.', type: 'number' },
  },
  problem(fields) {
    const [low, high] = [optional(fields['low']), optional(fields['high'])];
    if (low === undefined && high === undefined) return { field: '', why: 'it needs `low`, `high` or both' };
    return low !== undefined && high !== undefined && low > high
      ? { field: 'low', why: 'it is greater than `high`' }
      : undefined;
  },
  lower({ m, fields }, w) {
    const [low, high] = [optional(fields['low']), optional(fields['high'])];
    const raised = low === undefined ? w : m.b.op('maximum', [w, m.value(low)]);
    return high === undefined ? raised : m.b.op('minimum', [raised, m.value(high)]);
  },
});

export const nonNegative = defineConstraint({
  type: 'non_negative',
  summary: 'Sets negative elements to 0.',
  details: 'w ← max(w, 0).',
  example: '{type: non_negative}',
  fields: {},
  lower: ({ m }, w) => m.b.op('maximum', [w, m.value(0)]),
});
