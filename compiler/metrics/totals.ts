/** What layers compute, averaged or added up over an epoch. */
import type { FieldSchema } from '../frontend/describe';
import type { Value } from '../ir/graph';
import { Formula } from '../losses/formula';
import { reduceTerms } from '../losses/reduction';
import { requireFloatPrediction, total } from '../losses/targets';
import { defineMetric, type Better } from './define';
import { meanOf } from './of_loss';
import type { Fields } from '../frontend/spec';

/** For metrics that may mean anything. */
export const betterField: FieldSchema = {
  description: 'Which is better, for the best checkpoint and for early stopping.',
  enum: ['higher', 'lower'],
  default: 'lower',
};

export const betterIn = ({ better }: Fields): Better => (better === 'higher' ? 'higher' : 'lower');

export const mean = defineMetric({
  type: 'mean',
  summary: 'Mean of all numbers that a layer gives over an epoch.',
  details:
    'Input: any tensor [N, ...] of float32, and optionally weights of its leading axes, [N] for one a sample: Σ w·x / Σ w.',
  example: '{type: mean, name: energy, inputs: [x]}',
  fields: { better: betterField },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }] },
    { inputs: [{ shape: ['N', 3] }, { shape: ['N'], range: [0.5, 2] }], fields: { better: 'higher' } },
  ],
  arity: [1, 2],
  better: betterIn,
  lower(context, inputs) {
    const [x, weights] = inputs as readonly [Value, Value?];
    requireFloatPrediction(context, x);
    return { ...reduceTerms(context, { loss: x }, weights, 'mean') };
  },
  finish: meanOf,
});

export const sum = defineMetric({
  type: 'sum',
  summary: 'Sum of all numbers that a layer gives over an epoch.',
  details:
    'Input: any tensor [N, ...]; numbers that are not float32 are added up as such. In training it is that of a step.',
  example: '{type: sum, name: spikes, inputs: [x]}',
  fields: { better: betterField },
  samples: [{ inputs: [{ shape: ['N', 3, 5] }] }, { inputs: [{ shape: ['N'], dtype: 'int32' }] }],
  arity: [1, 1],
  better: betterIn,
  lower(context, [x]) {
    return { sum: total(context, Formula.in(context).indicator(x!)) };
  },
  finish: ({ sum: all }) => all?.[0] ?? 0,
});
