/** Losses that compare prediction and target number by number: each is a formula of the two. */
import type { FieldSchema, Sample } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import type { Value } from '../ir/graph';
import type { LowerContext } from '../layers/define';
import type { LossDef } from './define';
import { Formula } from './formula';
import { defineTermLoss } from './reduction';
import { requireFloatPrediction, requireTargets } from './targets';

interface Regression {
  readonly type: string;
  readonly summary: string;
  readonly details: string;
  readonly fields?: Readonly<Record<string, FieldSchema>>;
  readonly example?: string;
  readonly normalization?: 'mean' | 'batch';
  /** Fields that take `term` down another path than the defaults do. */
  readonly variants?: readonly Fields[];
  /** Where predictions and targets are drawn from in the samples. */
  readonly ranges?: readonly [readonly [number, number], readonly [number, number]];
  readonly samples?: readonly Sample[];
  readonly term: (m: Formula, prediction: Value, target: Value, context: LowerContext) => Value;
}

const SAME_SHAPE =
  'Inputs: predictions and targets of the same shape, or targets that lack a last axis of extent 1. One term for each element.';

export function defineRegression({ term, variants = [], ranges, samples = [], ...def }: Regression): LossDef {
  const inputs = (shape: readonly (number | 'N')[]): Sample['inputs'] =>
    ranges ? ranges.map((range) => ({ shape, range })) : [{ shape }, { shape }];
  return defineTermLoss({
    example: `{type: ${def.type}, inputs: [estimate, target]}`,
    ...def,
    details: `${SAME_SHAPE}\n\n${def.details}`,
    fields: def.fields ?? {},
    own: 2,
    samples: [
      { inputs: inputs(['N', 3, 5]) },
      ...variants.map((fields) => ({ inputs: inputs(['N', 7]), fields })),
      ...samples,
    ],
    terms(context, [prediction, targets]) {
      requireFloatPrediction(context, prediction!);
      const target = requireTargets(context, prediction!, targets!);
      return { loss: term(Formula.in(context), prediction!, target, context) };
    },
  });
}
