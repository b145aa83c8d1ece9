/**
 * Losses and metrics. Both lower to additive accumulators: tensors that are summed over batches (and machines)
 * in float64 by the caller, so that a value over an epoch is exact and not a mean of batch means.
 */
import type { Described } from '../frontend/describe';
import type { LowerContext } from '../layers/define';
import type { Value } from '../ir/graph';

export interface LossDef extends Described {
  readonly arity: readonly [number, number];
  /** The loss of a batch is sum / count; both f32[] scalars. */
  lower(context: LowerContext, inputs: readonly Value[]): { readonly sum: Value; readonly count: Value };
}

export interface MetricDef extends Described {
  readonly arity: readonly [number, number];
  /** Higher is better, lower is better: for best-checkpoint and display. */
  readonly better: 'higher' | 'lower';
  lower(context: LowerContext, inputs: readonly Value[]): Readonly<Record<string, Value>>;
  /** From the summed accumulators to the figure. */
  finish(accumulators: Readonly<Record<string, Float64Array>>): number;
}

export function defineLoss(def: LossDef): LossDef {
  return def;
}

export function defineMetric(def: MetricDef): MetricDef {
  return def;
}
