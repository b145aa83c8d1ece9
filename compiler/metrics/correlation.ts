/** How well predicted numbers follow their targets: shares of variance, correlations. */
import type { Sample } from '../frontend/describe';
import { elementCount } from '../ir/types';
import type { Value } from '../ir/graph';
import { flag, flagOf } from '../layers/fields';
import { Formula } from '../losses/formula';
import { requireFloatPrediction, requireTargets } from '../losses/targets';
import { defineCollecting, type Collected, type CollectingMetricDef } from './define';

/** Predictions and targets of one output. */
type Pairs = readonly [predictions: Float64Array, targets: Float64Array];

const samples: readonly Sample[] = [
  { inputs: [{ shape: ['N', 3, 5] }, { shape: ['N', 3, 5] }] },
  { name: 'column', inputs: [{ shape: ['N', 1] }, { shape: ['N'], dtype: 'int32' }] },
  { name: 'together', inputs: [{ shape: ['N', 7] }, { shape: ['N', 7] }], fields: { per_output: false } },
];

function defineCorrelation(
  type: string,
  summary: string,
  details: string,
  figure: (pairs: Pairs) => number,
): CollectingMetricDef {
  return defineCollecting({
    type,
    summary,
    details: `Inputs: predictions and targets of the same shape, or targets that lack a last axis of extent 1.\n\n${details}`,
    example: `{type: ${type}, inputs: [estimate, target]}`,
    fields: {
      per_output: flag(
        'Each number of a sample is an output of its own, and the figure is the mean over the outputs that have one; otherwise all numbers are one series.',
        true,
      ),
    },
    samples,
    arity: [2, 2],
    better: 'higher',
    lower(context, inputs) {
      const [prediction, targets] = inputs as readonly [Value, Value];
      requireFloatPrediction(context, prediction);
      const { shape } = prediction.type;
      const count = elementCount(shape);
      const rows = flagOf(context.fields, 'per_output') ? (shape[0] ?? 1) : count;
      const m = Formula.in(context);
      const flat = (x: Value): Value => m.reshape(x, [rows, count / Math.max(1, rows)]);
      return { predictions: flat(prediction), targets: flat(requireTargets(context, prediction, targets)) };
    },
    finish({ predictions, targets }) {
      if (!predictions || !targets) return NaN;
      const columns = predictions.shape[1] ?? 1;
      const values = Array.from({ length: columns }, (_, i) => figure([column(predictions, i), column(targets, i)]));
      const there = values.filter((value) => !Number.isNaN(value));
      return there.reduce((sum, value) => sum + value, 0) / there.length;
    },
  });
}

function column({ shape, data }: Collected, which: number): Float64Array {
  const [rows = 0, columns = 1] = shape;
  return Float64Array.from({ length: rows }, (_, row) => data[row * columns + which]!);
}

const mean = (x: Float64Array): number => x.reduce((sum, value) => sum + value, 0) / x.length;

/** Means, and sums of products of what differs from them. */
function moments([x, y]: Pairs) {
  const [meanX, meanY] = [mean(x), mean(y)];
  let [xx, xy, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [x[i]! - meanX, y[i]! - meanY];
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  return { meanX, meanY, xx, xy, yy };
}

function correlation(pairs: Pairs): number {
  const { xx, xy, yy } = moments(pairs);
  // 0 / 0: a series that never changes is correlated with nothing.
  return Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)));
}

/** Places in ascending order from 1; equals share the mean of theirs. */
export function ranks(x: Float64Array): Float64Array {
  const order = Uint32Array.from(x.keys()).sort((a, b) => x[a]! - x[b]!);
  const result = new Float64Array(x.length);
  for (let first = 0; first < order.length;) {
    let end = first + 1;
    while (end < order.length && x[order[end]!] === x[order[first]!]) end++;
    for (let i = first; i < end; i++) result[order[i]!] = (first + 1 + end) / 2;
    first = end;
  }
  return result;
}

export const r2 = defineCorrelation(
  'r2',
  'Share of the variance of the targets that is explained, 1 at best; 0 is what their mean would reach.',
  "1 − Σ (target − prediction)² / Σ (target − mean of targets)², the mean being that of the whole epoch, as Keras' R2Score. Targets that are all the same give 1 where the predictions are right and 0 elsewhere (scikit-learn); of a single sample there is none (NaN).",
  ([x, t]) => {
    if (t.length < 2) return NaN;
    const residual = t.reduce((sum, value, i) => sum + (value - x[i]!) ** 2, 0);
    const { yy } = moments([x, t]);
    if (yy === 0) return residual === 0 ? 1 : 0;
    return 1 - residual / yy;
  },
);

export const pearson = defineCorrelation(
  'pearson',
  'Linear correlation of predictions and targets, from −1 to 1.',
  "Covariance by the product of the standard deviations over the whole epoch (Keras' PearsonCorrelation takes that of each batch along an axis). An output that never changes has none (NaN).",
  correlation,
);

export const spearman = defineCorrelation(
  'spearman',
  'Correlation of the order of predictions and targets, from −1 to 1.',
  'The linear correlation of the places in ascending order; equals share the mean of their places.',
  ([x, t]) => correlation([ranks(x), ranks(t)]),
);

export const concordance = defineCorrelation(
  'concordance',
  "Lin's concordance: correlation that falls with every shift and scale between predictions and targets.",
  '2·cov / (var(prediction) + var(target) + (difference of the means)²) (Lin 1989).',
  (pairs) => {
    const { meanX, meanY, xx, xy, yy } = moments(pairs);
    return (2 * xy) / (xx + yy + pairs[0].length * (meanX - meanY) ** 2);
  },
);
