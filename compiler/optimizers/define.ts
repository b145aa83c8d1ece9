/**
 * An optimizer lowers to ops for one parameter; the fuser makes one kernel call of those that are element-wise. What
 * changes with the step (learning rate, scheduled fields, bias corrections) are scalar graph inputs, computed by the
 * caller in float64.
 */
import type { Described } from '../frontend/describe';
import type { Fields, Json } from '../frontend/spec';
import type { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';
import type { Shape } from '../ir/types';
import type { Arithmetic } from '../ops/families/arithmetic';

export interface SlotOptions {
  /** By default the parameter's. */
  readonly shape?: Shape;
  /** An initializer as users write it, e.g. `{type: constant, value: 0.1}`; by default zeros. */
  readonly init?: Json;
}

export interface OptimizerContext {
  readonly b: Builder;
  /** Arithmetic in the parameter's dtype. */
  readonly m: Arithmetic;
  readonly fields: Fields;
  readonly parameter: Value;
  readonly gradient: Value;
  /** f32[]: the scheduled learning rate times the parameter's factor. */
  readonly lr: Value;
  /** The parameter's factor on the optimizer's `weight_decay` and `l1`; 0 exempts it. */
  readonly decay: number;
  /** One of the `hypers` as an f32[] value: a constant, unless a schedule changes it. */
  readonly hyper: (name: string) => Value;
  /** 1 minus one of the `hypers`, taken in float64: 1 − 0.999 in float32 has five digits. */
  readonly rest: (name: string) => Value;
  /** A state that lives as long as the parameter, `<parameter>.<name>`. */
  readonly slot: (name: string, options?: SlotOptions) => Value;
  /** One of the `scalars`, by name, as an f32[] input. */
  readonly scalar: (name: string) => Value;
  readonly updateSlot: (slot: Value, value: Value) => void;
}

export interface OptimizerDef extends Described {
  /** The fields that `train.schedules` may change: `lower` reads them by `hyper` and `rest` alone. */
  readonly hypers: readonly string[];
  /** Which of them is the momentum that a one-cycle schedule drives against the learning rate. */
  readonly momentum?: string;
  /** The learning rate counts in the first step alone: a schedule would have no effect. */
  readonly ratesOnce?: boolean;
  /** Scalars beside the learning rate, from the fields as they are at the optimizer's update t = 1, 2, ... */
  scalars(fields: Fields, t: number): Readonly<Record<string, number>>;
  /** A field that would be ignored beside the others, or that they exclude, and why. */
  readonly idle?: (fields: Fields) => { readonly field: string; readonly why: string } | undefined;
  /** Returns the parameter's new value. */
  lower(context: OptimizerContext): Value;
}

export function defineOptimizer(def: OptimizerDef): OptimizerDef {
  return def;
}
