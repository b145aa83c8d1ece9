/** Metrics of scores at every threshold: the scores and labels of an epoch are kept, and sorted at its end. */
import type { FieldSchema, Sample } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import type { Value } from '../ir/graph';
import { elementCount } from '../ir/types';
import type { LowerContext } from '../layers/define';
import { Formula } from '../losses/formula';
import { isProbabilities, requireFloatPrediction } from '../losses/targets';
import { unsetAxis } from '../losses/labels';
import { checkClasses, classFields, resultOf } from './classes';
import { curveOf, type Curve } from './curves';
import { taskOf, type Task } from './decisions';
import { defineCollecting, type Collected, type CollectingMetricDef } from './define';

const TASKS =
  'Inputs: one score for each label, [N, ...] or [N, 1, ...], and labels that are yes above ½; or scores or probabilities [N, C, ...] and class numbers [N, ...], each class against all others; or scores and yes-or-no labels of one shape [N, C, ...], one-hot or multi-label. The order of the scores alone matters.';

const fields: Readonly<Record<string, FieldSchema>> = {
  axis: unsetAxis('The axis of the classes.'),
  ignore_index: { description: 'Labels of this number do not count.', type: 'integer' },
};

const samples: readonly Sample[] = [
  { inputs: [{ shape: ['N'] }, { shape: ['N'], dtype: 'int32', values: [1, 0, 1] }] },
  {
    name: 'one column, some ignored',
    inputs: [{ shape: ['N', 3, 1] }, { shape: ['N', 3], values: [1, 0, -1, 0] }],
    fields: { ignore_index: -1, axis: -1 },
  },
];

/** Those of tasks with several classes. */
const classSamples: readonly Sample[] = [
  { name: 'classes', inputs: [{ shape: ['N', 5] }, { shape: ['N'], dtype: 'int32', values: [3, 0, 4] }] },
  {
    name: 'pixels, some ignored',
    inputs: [{ shape: ['N', 3, 2, 3] }, { shape: ['N', 2, 3], dtype: 'int64', values: [0, 255, 2, 1, 2] }],
    fields: { ignore_index: 255 },
  },
  {
    name: 'multi-label, some ignored',
    inputs: [{ shape: ['N', 2, 3] }, { shape: ['N', 2, 3], dtype: 'int32', values: [1, 0, -1, 1] }],
    fields: { ignore_index: -1 },
  },
  { name: 'one-hot', inputs: [{ shape: ['N', 3] }, { shape: ['N', 3], values: [0, 1, 0, 0] }] },
];

interface Ranking {
  readonly type: string;
  readonly summary: string;
  readonly details: string;
  readonly example?: string;
  readonly fields?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  /** Fields for the samples. */
  readonly sample?: Fields;
  readonly samples?: readonly Sample[];
  /** What one class has; never asked for one without positives or without negatives, unless `oneSided`. */
  readonly figure: (curve: Curve, fields: Fields) => number;
  /** It makes sense without negatives. */
  readonly oneSided?: boolean;
}

export function defineRanking({ figure, sample = {}, oneSided = false, ...def }: Ranking): CollectingMetricDef {
  const valueOf = (curve: Curve | undefined, own: Fields): number => {
    const has = curve && curve.positives > 0 && (oneSided || curve.negatives > 0);
    return has ? figure(curve, own) : NaN;
  };
  return defineCollecting({
    ...def,
    details: `${TASKS}\n\n${def.details} A class without a label that is yes${oneSided ? '' : ', or without one that is no,'} has none and takes no part in the averages.`,
    example: def.example ?? `{type: ${def.type}, inputs: [score, label]}`,
    fields: { ...fields, ...def.fields, ...classFields },
    samples: [...samples, ...classSamples, ...(def.samples ?? [])].map((one) => ({
      ...one,
      fields: { ...sample, ...one.fields },
    })),
    arity: [2, 2],
    better: 'higher',
    lower(context, inputs) {
      const kept = collect(context, inputs);
      checkClasses(context, kept['scores']?.type.shape[1] ?? 0);
      return kept;
    },
    finish({ scores, labels }, own) {
      if (!scores || !labels) return NaN;
      const classes = scores.shape[1] ?? 1;
      const split = Array.from({ length: classes }, (_, c) => sides(scores, labels, c));
      const curves = split.map(([yes, no]) => curveOf(yes, no));
      const values = curves.map((curve) => valueOf(curve, own));
      const support = split.map(([yes]) => yes.length);
      const micro = (): number =>
        valueOf(curveOf(joined(split.map(([yes]) => yes)), joined(split.map(([, no]) => no))), own);
      return resultOf(def.type, { values, support, micro }, own);
    },
  });
}

/** `scores` f32 [M, C], and `labels` i32: [M] class numbers, or [M, C] of 0 and 1; negative where ignored. */
function collect(context: LowerContext, inputs: readonly Value[]): Readonly<Record<string, Value>> {
  const task = tasksOf(context, inputs);
  const { b } = context;
  const m = Formula.in(context);
  const { scores, classes, valid } = task;
  const rows = elementCount(scores.type.shape) / classes;
  const actual = task.actual.type.dtype === 'i32' ? task.actual : b.op('cast', [task.actual], { dtype: 'i32' });
  const marked = valid ? m.where(m.greater(valid, 0), actual, b.full(-1, [], 'i32')) : actual;
  const flat = (x: Value): Value => m.reshape(last(context, x, task.axis), [rows, classes]);
  return { scores: flat(scores), labels: task.kind === 'choice' ? m.reshape(marked, [rows]) : flat(marked) };
}

/** One-hot labels and those of several tasks are the same here: each class by itself. */
function tasksOf(context: LowerContext, inputs: readonly Value[]): Task {
  const [scores, labels] = inputs as readonly [Value, Value];
  requireFloatPrediction(context, scores);
  const { shape } = scores.type;
  const same = shape.length > 1 && labels.type.shape.join() === shape.join();
  if (!same && !isProbabilities(scores, labels)) return taskOf(context, inputs);
  // Where every score has a label, `threshold` is what would tell so; none is needed here.
  return taskOf({ ...context, fields: { ...context.fields, threshold: 0.5 } }, inputs);
}

/** The axis of the classes moved to the end. */
function last({ b }: LowerContext, x: Value, axis: number | undefined): Value {
  const rank = x.type.shape.length;
  if (axis === undefined || axis === rank - 1) return x;
  const perm = [...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis), axis];
  return b.op('transpose', [x], { perm });
}

/** The scores of one class where the label is yes, and where it is no. */
function sides(scores: Collected, labels: Collected, which: number): readonly [Float32Array, Float32Array] {
  const classes = scores.shape[1] ?? 1;
  const rows = scores.shape[0] ?? 0;
  const numbered = labels.shape.length === 1;
  const [yes, no] = [new Float32Array(rows), new Float32Array(rows)];
  let [positives, negatives] = [0, 0];
  for (let row = 0; row < rows; row++) {
    const label = labels.data[numbered ? row : row * classes + which]!;
    if (label < 0) continue;
    const score = scores.data[row * classes + which]!;
    if (label === (numbered ? which : 1)) yes[positives++] = score;
    else no[negatives++] = score;
  }
  return [yes.subarray(0, positives), no.subarray(0, negatives)];
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
