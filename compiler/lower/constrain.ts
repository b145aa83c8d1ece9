/** Constraints put to use: looking one up, and what is wrong with it. */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { InternalError } from '../diagnostics/errors';
import type { ConstraintDef } from '../constraints/define';
import { CONSTRAINTS } from '../constraints/index';
import type { Fields } from '../frontend/spec';
import type { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';
import { Arithmetic } from '../ops/families/arithmetic';
import { typedItem, withDefaults } from './defaults';
import type { ParameterSettings } from './settings';

type Constraint = NonNullable<ParameterSettings['constraint']>;

const DEFS: Readonly<Record<string, ConstraintDef>> = CONSTRAINTS;

function defOf({ written }: Constraint): { readonly def: ConstraintDef; readonly fields: Fields } {
  const { type, fields } = typedItem(written);
  const def = DEFS[type];
  if (!def) throw new InternalError(`no constraint is called '${type}'`);
  return { def, fields: withDefaults(def, fields) };
}

export function checkConstraint(constraint: Constraint, path: string, rank: number): Diagnostic | undefined {
  const { def, fields } = defOf(constraint);
  const problem = def.problem?.(fields, rank);
  if (!problem) return undefined;
  const at = constraint.at(problem.field === '' ? [] : [problem.field]);
  return say.invalidField(at, `\`${def.type}\` of \`${path}\`: ${problem.why}`);
}

export function constrain(b: Builder, constraint: Constraint | undefined, value: Value): Value {
  if (!constraint) return value;
  const { def, fields } = defOf(constraint);
  return def.lower({ m: new Arithmetic(b, value.type.dtype), fields }, value);
}
