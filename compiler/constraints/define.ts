/** A constraint brings a parameter back into the set it must stay in, after every update. */
import type { Described } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import type { Value } from '../ir/graph';
import type { Arithmetic } from '../ops/families/arithmetic';

export interface ConstraintContext {
  /** Arithmetic in the parameter's dtype, and the builder. */
  readonly m: Arithmetic;
  readonly fields: Fields;
}

export interface ConstraintDef extends Described {
  /** Fields that make no sense together, or for a parameter of so many axes. */
  problem?(fields: Fields, rank: number): { readonly field: string; readonly why: string } | undefined;
  /** The parameter's value after an update → the value that it keeps. */
  lower(context: ConstraintContext, parameter: Value): Value;
}

export function defineConstraint(def: ConstraintDef): ConstraintDef {
  return def;
}
