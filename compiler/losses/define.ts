/**
 * Losses. They lower to additive accumulators: tensors that are summed over batches (and machines)
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

export function defineLoss(def: LossDef): LossDef {
  return def;
}
