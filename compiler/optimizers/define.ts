/**
 * An optimizer lowers to element-wise ops per parameter; the fuser makes one kernel call of them. Quantities that
 * change with the step (learning rate, bias corrections) are scalar graph inputs computed by the caller in float64.
 */
import type { Described } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import type { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';

export interface OptimizerContext {
  readonly b: Builder;
  readonly fields: Fields;
  readonly parameter: Value;
  readonly gradient: Value;
  /** f32[]: the scheduled learning rate times the parameter's multiplier. */
  readonly lr: Value;
  /** The coefficient of weight decay for this parameter: the optimizer's, times the parameter's multiplier; 0 where none applies. */
  readonly decay: number;
  /** A state of the parameter's shape and name `<parameter>.<slot>`, initially 0. */
  readonly slot: (name: string) => Value;
  /** One of the `scalars`, by name, as an f32[] input. */
  readonly scalar: (name: string) => Value;
  readonly updateSlot: (slot: Value, value: Value) => void;
}

export interface OptimizerDef extends Described {
  /** Scalars beside the learning rate, from the optimizer step t = 1, 2, ... */
  scalars(fields: Fields, t: number): Readonly<Record<string, number>>;
  /** A field that would be ignored beside the others, and why. */
  readonly idle?: (fields: Fields) => { readonly field: string; readonly why: string } | undefined;
  /** Returns the parameter's new value. */
  lower(context: OptimizerContext): Value;
}

export function defineOptimizer(def: OptimizerDef): OptimizerDef {
  return def;
}
