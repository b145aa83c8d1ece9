/** What the losses with two sides, yes and no, ask of their targets, and the margin that most of them have. */
import type { FieldSchema } from '../frontend/describe';
import type { Value } from '../ir/graph';
import type { Formula } from './formula';

export const SIGNS = 'Targets are 1 and −1; a 0 counts as −1, so that 1 and 0 will do.';

/** −1 in the place of 0. */
export function signsOf(m: Formula, targets: Value): Value {
  return m.where(m.equal(targets, 0), -1, targets);
}

export const marginField = (byDefault: number, description: string, least?: number): FieldSchema => ({
  description,
  type: 'number',
  ...(least === undefined ? {} : { minimum: least }),
  default: byDefault,
});

/** `l1` takes hinges as they are, `l2` squares them. */
export const hingeNorm: FieldSchema = {
  description: '`l1` adds the violations of the margin up, `l2` their squares.',
  enum: ['l1', 'l2'],
  default: 'l1',
};
