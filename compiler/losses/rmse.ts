/** Root of the mean squared error of a batch. */
import type { Value } from '../ir/graph';
import { defineLoss } from './define';
import { Formula } from './formula';
import { reduceTerms, weighted } from './reduction';
import { requireFloatPrediction, requireTargets } from './targets';

const PLAIN = { inputs: [{ shape: ['N', 3, 5] as const }, { shape: ['N', 3, 5] as const }] };

export const rmse = defineLoss({
  type: 'rmse',
  summary: 'Root of the mean squared error of a batch.',
  details: [
    'Inputs: predictions and targets of the same shape (or targets that lack a last axis of extent 1), and optional weights of their leading axes, [N] for one a sample.',
    'sqrt(Σ w·(prediction − target)² / Σ w). The root is taken of each batch, so that the figure of an epoch is the mean of the batches, weighted by their size, and depends on the batch size; the root over an epoch is that of `mse`. The gradient at 0 is 0.',
  ].join('\n\n'),
  example: '{type: rmse, inputs: [estimate, target]}',
  fields: {},
  arity: [2, 3],
  samples: [PLAIN, weighted(PLAIN)],
  lower(context, inputs) {
    const [prediction, targets, weights] = inputs as readonly [Value, Value, Value?];
    requireFloatPrediction(context, prediction);
    const m = Formula.in(context);
    const loss = m.square(m.sub(prediction, requireTargets(context, prediction, targets)));
    const { sum, count } = reduceTerms(context, { loss }, weights, 'mean');
    const held = m.maximum(count, 1e-12);
    return { sum: m.mul(m.root(m.div(sum, held)), held), count };
  },
});
