/**
 * Metrics. Most lower to additive accumulators: tensors that are summed over batches in float64 by the caller, so that a
 * figure over an epoch is exact and not a mean of batch means. What is no function of sums (an area under a curve, a
 * rank correlation) collects tensors instead: the caller keeps those of every batch and `finish` sees the whole set.
 * What is collected, and what would be too large for every step, is computed in evaluation alone.
 */
import type { Described } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import type { Value } from '../ir/graph';
import type { LowerContext } from '../layers/define';

export type Better = 'higher' | 'lower';

/** What a metric comes to; a plain number is the figure alone. */
export interface MetricResult {
  /** The figure that goes by the metric's name; NaN where there is none (nothing was counted). */
  readonly value: number;
  /** Further figures, `<metric>/<name>`: those that `figures` lists. */
  readonly figures?: Readonly<Record<string, number>>;
  /** Numbers of each class, by column. Those of the first column are figures too, `<metric>/<class>`. */
  readonly classes?: Readonly<Record<string, ArrayLike<number>>>;
  /** How often each true class (row) was taken for each class (column). */
  readonly confusion?: readonly ArrayLike<number>[];
}

interface Common extends Described {
  readonly arity: readonly [number, number];
  /** For the best checkpoint, early stopping and schedules. */
  readonly better: Better | ((fields: Fields) => Better);
  /** Names of further figures that every evaluation has, so that they can be watched. */
  readonly figures?: readonly string[];
}

export type Sums = Readonly<Record<string, Float64Array>>;

export interface SumMetricDef extends Common {
  readonly collects?: false;
  /** Accumulators, f32 or i32, of the same shape for every batch size. */
  lower(context: LowerContext, inputs: readonly Value[]): Readonly<Record<string, Value>>;
  /** From the sums over all batches; fields are complete. */
  finish(sums: Sums, fields: Fields): number | MetricResult;
  /** Not computed in training steps. */
  readonly evaluationOnly?: boolean;
}

/** A tensor of all batches, one after the other along axis 0. */
export interface Collected {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

export interface CollectingMetricDef extends Common {
  readonly collects: true;
  /** Tensors, f32 or i32, whose first extent grows with the batch and whose others do not depend on it. */
  lower(context: LowerContext, inputs: readonly Value[]): Readonly<Record<string, Value>>;
  finish(collected: Readonly<Record<string, Collected>>, fields: Fields): number | MetricResult;
}

export type MetricDef = SumMetricDef | CollectingMetricDef;

export function defineMetric(def: SumMetricDef): SumMetricDef {
  return def.evaluationOnly === true ? { ...def, details: withNote(def, 'It is computed in evaluation alone.') } : def;
}

/** Tensors that are kept until the end of an evaluation take no more than this, all metrics together. */
export const MOST_COLLECTED = 2 ** 30;

export function defineCollecting(def: Omit<CollectingMetricDef, 'collects'>): CollectingMetricDef {
  const note =
    'It is exact over the whole data set, whatever the batch size: what it needs of every sample is kept until the evaluation ends (at most 1 GiB for all metrics together), so that it is computed in evaluation alone.';
  return { ...def, collects: true, details: withNote(def, note) };
}

function withNote({ details }: Described, note: string): string {
  return details === undefined ? note : `${details}\n\n${note}`;
}
