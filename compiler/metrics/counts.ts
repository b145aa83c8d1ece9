/** Metrics that are functions of how often each class was decided on, true, and both. */
import type { FieldSchema, Sample } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import { checkClasses, classFields, resultOf } from './classes';
import { countDecisions, decisionFields, TASKS } from './decisions';
import { defineMetric, type Better, type MetricResult, type SumMetricDef, type Sums } from './define';

/** Of one class, or of all together. */
export interface Counts {
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
  readonly tn: number;
}

export interface Decisions {
  readonly of: readonly Counts[];
  /** Labels in all: of one-out-of-several tasks, or of each class of yes-or-no tasks. */
  readonly count: number;
}

export function decisionsOf({ hits = new Float64Array(), predicted, actual, count }: Sums): Decisions {
  const of = Array.from(hits, (tp, i) => {
    const fp = (predicted?.[i] ?? 0) - tp;
    const fn = (actual?.[i] ?? 0) - tp;
    return { tp, fp, fn, tn: (count?.[count.length === 1 ? 0 : i] ?? 0) - tp - fp - fn };
  });
  return { of, count: count?.[0] ?? 0 };
}

export function together(of: readonly Counts[]): Counts {
  const sum = (key: keyof Counts): number => of.reduce((total, counts) => total + counts[key], 0);
  return { tp: sum('tp'), fp: sum('fp'), fn: sum('fn'), tn: sum('tn') };
}

const SCORES = { shape: ['N', 5] as const, separated: true };
const LABELS = { shape: ['N'] as const, dtype: 'int32', values: [3, 0, 4, 1] };

/** Every path through `countDecisions`. */
export const decisionSamples: readonly Sample[] = [
  { inputs: [SCORES, LABELS] },
  {
    name: 'pixels, some ignored',
    inputs: [
      { shape: ['N', 3, 2, 3], separated: true },
      { shape: ['N', 2, 3], dtype: 'int64', values: [0, 255, 2, 1, 2] },
    ],
    fields: { ignore_index: 255 },
  },
  { name: 'one-hot', inputs: [SCORES, { shape: ['N', 5], values: [0, 1, 0, 0, 0, 0, 0] }] },
  {
    name: 'one score for each label',
    inputs: [
      { shape: ['N', 1], range: [0, 1] },
      { shape: ['N'], dtype: 'int32', values: [1, 0, 1] },
    ],
  },
  {
    name: 'scores without an axis, some ignored',
    inputs: [{ shape: ['N'] }, { shape: ['N'], dtype: 'int32', values: [-1, 0, 1] }],
    fields: { threshold: 0.1, ignore_index: -1 },
  },
  {
    name: 'a mask',
    inputs: [
      { shape: ['N', 1, 3, 5], range: [0, 1] },
      { shape: ['N', 3, 5], dtype: 'uint8', values: [1, 1, 0] },
    ],
  },
  {
    name: 'multi-label',
    inputs: [
      { shape: ['N', 3], range: [0, 1] },
      { shape: ['N', 3], dtype: 'int32', values: [1, 0, 1, 1, 0] },
    ],
    fields: { threshold: 0.4, axis: -1 },
  },
  {
    name: 'multi-label, some ignored',
    inputs: [
      { shape: ['N', 2, 3], range: [0, 1] },
      { shape: ['N', 2, 3], values: [1, 0, -1, 1, 0] },
    ],
    fields: { threshold: 0.4, ignore_index: -1 },
  },
];

interface RatioMetric {
  readonly type: string;
  readonly summary: string;
  readonly details: string;
  readonly example?: string;
  readonly fields?: Readonly<Record<string, FieldSchema>>;
  readonly samples?: readonly Sample[];
  /** The numbers whose quotient it is; one of nothing by nothing is 0, or not there if `absent`. */
  readonly ratio: (counts: Counts, fields: Fields) => readonly [number, number];
  readonly absent?: boolean;
  readonly better?: Better;
}

/** A quotient of counts, of each class or averaged. */
export function defineRatio({ ratio, absent = false, ...def }: RatioMetric): SumMetricDef {
  const valueOf = (counts: Counts, fields: Fields): number => {
    const [part, whole] = ratio(counts, fields);
    return whole > 0 ? part / whole : absent ? NaN : 0;
  };
  return defineMetric({
    ...def,
    details: `${TASKS}\n\n${def.details}`,
    example: def.example ?? `{type: ${def.type}, inputs: [logits, label]}`,
    fields: { ...decisionFields, ...def.fields, ...classFields },
    samples: [...decisionSamples, ...(def.samples ?? [])],
    arity: [2, 2],
    better: def.better ?? 'higher',
    lower(context, inputs) {
      const counts = countDecisions(context, inputs);
      checkClasses(context, counts['hits']?.type.shape[0] ?? 0);
      return counts;
    },
    finish(sums, fields): number | MetricResult {
      const { of, count } = decisionsOf(sums);
      if (count === 0 && of.every(({ tp, fp, fn, tn }) => tp + fp + fn + tn === 0)) return NaN;
      return resultOf(
        def.type,
        {
          values: of.map((counts) => valueOf(counts, fields)),
          support: of.map(({ tp, fn }) => tp + fn),
          isPresent: (i) => {
            const { tp = 0, fp = 0, fn = 0 } = of[i] ?? {};
            return tp + fp + fn > 0;
          },
          micro: () => valueOf(together(of), fields),
        },
        fields,
      );
    },
  });
}
