/** Every constraint on parameters, by its name in a model file. A new one is one file and one line here. */
import type { ConstraintDef } from './define';
import { maxNorm, minMaxNorm, unitNorm } from './norms';
import { nonNegative, range } from './ranges';

export const CONSTRAINTS = {
  max_norm: maxNorm,
  min_max_norm: minMaxNorm,
  unit_norm: unitNorm,
  non_negative: nonNegative,
  range,
} as const satisfies Readonly<Record<string, ConstraintDef>>;
