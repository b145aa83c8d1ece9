/**
 * What a classifier decided and what was true, as numbers of labels by class: the common ground of precision, recall,
 * overlaps and coefficients of agreement. Two kinds of task are told apart by the shapes and `threshold`:
 * one class out of several for each label, and yes or no for each score.
 */
import type { FieldSchema } from '../frontend/describe';
import type { Value } from '../ir/graph';
import { elementCount, sameShape, type Shape } from '../ir/types';
import type { LowerContext } from '../layers/define';
import { Formula } from '../losses/formula';
import { classAxis, unsetAxis } from '../losses/labels';
import { isProbabilities, requireFloatPrediction, requireLabels, requireTargets } from '../losses/targets';

/** float32 counts up to here. */
const MOST_COUNTED = 2 ** 24;
const DEFAULT_THRESHOLD = 0.5;

export const TASKS =
  'Inputs: scores or probabilities [N, C, ...] and labels, class numbers [N, ...] or one-hot [N, C, ...] in float32: the class of the highest score is what was decided, the first among equals. Or one score for each label, [N, ...] or [N, 1, ...]: yes where it is above `threshold`, and the label is yes above ½. With `threshold`, scores and labels of one shape [N, C, ...] are yes or no for each of C classes (multi-label).';

export const decisionFields: Readonly<Record<string, FieldSchema>> = {
  axis: unsetAxis('The axis of the classes.'),
  threshold: {
    description:
      'Scores above it are a yes: 0.5 suits probabilities and is what holds where there is one score for each label; 0 suits scores before a sigmoid. With it, the scores of several classes are decided one by one.',
    type: 'number',
  },
  ignore_index: { description: 'Labels of this number do not count.', type: 'integer' },
};

/** The task of a metric's first two inputs. */
export type Task = Choice | Decided;

/** One of several classes. */
export interface Choice {
  readonly kind: 'choice';
  readonly classes: number;
  /** i32, of the labels' shape; the predicted class and the true one, which is 0 where it is ignored. */
  readonly predicted: () => Value;
  readonly actual: Value;
  /** Scores, with the classes on `axis`. */
  readonly scores: Value;
  readonly axis: number;
  /** 1 where the label counts, else 0; undefined where all do. */
  readonly valid?: Value;
}

/** Yes or no, f32 of 0 and 1, for each class on `axis`; none where there is a single class. */
export interface Decided {
  readonly kind: 'yes-no';
  readonly classes: number;
  readonly scores: Value;
  readonly actual: Value;
  readonly axis?: number;
  readonly valid?: Value;
}

export function taskOf(context: LowerContext, inputs: readonly Value[]): Task {
  const [scores, labels] = inputs as readonly [Value, Value];
  requireFloatPrediction(context, scores);
  const { shape } = scores.type;
  if (shape.length < 2) {
    if (context.fields['axis'] !== undefined) context.fail(['axis'], 'the scores [N] have no axis of classes');
    return single(context, scores, labels, shape);
  }
  const axis = classAxis(context, scores);
  if (shape[axis] === 1) return single(context, scores, labels, shape);
  if (context.fields['threshold'] !== undefined) {
    return { ...yesNo(context, scores, labels), classes: shape[axis] ?? 0, axis };
  }
  return choice(context, scores, labels, axis);
}

function single(context: LowerContext, scores: Value, labels: Value, shape: Shape): Decided {
  const m = Formula.in(context);
  // The labels may lack the axis of extent 1, wherever it is.
  const fits = elementCount(labels.type.shape) === elementCount(shape) && labels.type.shape[0] === shape[0];
  const bare = shape.filter((extent, axis) => axis === 0 || extent !== 1);
  const isBare = sameShape(
    labels.type.shape.filter((extent, axis) => axis === 0 || extent !== 1),
    bare,
  );
  return yesNo(context, scores, fits && isBare ? m.reshape(labels, shape) : labels);
}

function yesNo(context: LowerContext, scores: Value, labels: Value): Decided {
  const m = Formula.in(context);
  const target = requireTargets(context, scores, labels);
  const ignore = context.fields['ignore_index'];
  const valid = typeof ignore === 'number' ? m.indicator(m.notEqual(target, ignore)) : undefined;
  const yes = m.indicator(m.greater(target, 0.5));
  return { kind: 'yes-no', classes: 1, scores, actual: yes, ...(valid ? { valid } : {}) };
}

function choice(context: LowerContext, scores: Value, labels: Value, axis: number): Choice {
  const { b } = context;
  const ignore = context.fields['ignore_index'];
  const classes = scores.type.shape[axis] ?? 0;
  const predicted = (): Value => b.op('argmax', [scores], { axis });
  if (isProbabilities(scores, labels)) {
    if (ignore !== undefined) context.fail(['ignore_index'], 'one-hot labels have no number to ignore');
    const actual = b.op('argmax', [labels], { axis });
    return { kind: 'choice', classes, predicted, actual, scores, axis };
  }
  if (labels.type.dtype === 'f32') {
    context.mismatch(
      'dtype',
      'labels of float32 are one-hot, in the shape of the scores',
      'class numbers are integers',
    );
  }
  const m = Formula.in(context);
  const numbers = requireLabels(context, scores, labels, axis);
  if (typeof ignore !== 'number') return { kind: 'choice', classes, predicted, actual: numbers, scores, axis };
  const ignored = m.equal(numbers, b.full(ignore, [], 'i32'));
  const actual = m.where(ignored, b.full(0, [], 'i32'), numbers);
  return { kind: 'choice', classes, predicted, actual, scores, axis, valid: m.where(ignored, 0, 1) };
}

/** 1 where a score is above the threshold, as float32 has it: a score of 0.4 is not above a threshold of 0.4. */
export function yesOf(context: LowerContext, { scores }: Decided): Value {
  const m = Formula.in(context);
  const threshold = context.fields['threshold'];
  return m.indicator(m.greater(scores, Math.fround(typeof threshold === 'number' ? threshold : DEFAULT_THRESHOLD)));
}

/** Whole numbers in float32, added up in i32; all axes but those of `keep`. */
export function addUp(context: LowerContext, value: Value, keep: readonly number[] = []): Value {
  const { b } = context;
  const whole = value.type.dtype === 'i32' ? value : b.op('cast', [value], { dtype: 'i32' });
  const axes = whole.type.shape.map((_, axis) => axis).filter((axis) => !keep.includes(axis));
  return axes.length === 0 ? whole : b.op('reduce_sum', [whole], { axes, keepdims: false });
}

/** How often each of 0 … size − 1 is among the numbers, weighed by 0 and 1 in `marks` where given; i32 [size]. */
export function countEach(context: LowerContext, numbers: Value, size: number, marks?: Value): Value {
  const { b } = context;
  const m = Formula.in(context);
  const { shape } = numbers.type;
  const count = elementCount(shape);
  const updates = marks ?? b.full(1, shape);
  if (count <= MOST_COUNTED || shape.length < 2) {
    const counts = b.op('scatter_add', [m.reshape(numbers, [count]), m.reshape(updates, [count])], {
      axis: 0,
      batch_dims: 0,
      size,
    });
    return b.op('cast', [counts], { dtype: 'i32' });
  }
  // Each sample by itself, whose counts float32 holds.
  const rows = [shape[0] ?? 1, count / Math.max(1, shape[0] ?? 1)];
  const counts = b.op('scatter_add', [m.reshape(numbers, rows), m.reshape(updates, rows)], {
    axis: 1,
    batch_dims: 1,
    size,
  });
  return addUp(context, counts, [1]);
}

/** i32: `hits` [C], how often each class was decided on rightly; `predicted` [C]; `actual` [C]; `count` []. */
export function countDecisions(context: LowerContext, inputs: readonly Value[]): Readonly<Record<string, Value>> {
  const { b } = context;
  const m = Formula.in(context);
  const task = taskOf(context, inputs);
  const { valid } = task;
  if (task.kind === 'choice') {
    const predicted = task.predicted();
    const right = m.indicator(m.equal(predicted, task.actual));
    const total = elementCount(task.actual.type.shape);
    return {
      hits: countEach(context, task.actual, task.classes, valid ? m.mul(right, valid) : right),
      predicted: countEach(context, predicted, task.classes, valid),
      actual: countEach(context, task.actual, task.classes, valid),
      count: valid ? addUp(context, valid) : b.full(total, [], 'i32'),
    };
  }
  const keep = task.axis === undefined ? [] : [task.axis];
  const valued = (x: Value): Value => m.reshape(addUp(context, valid ? m.mul(x, valid) : x, keep), [task.classes]);
  const yes = yesOf(context, task);
  const each = elementCount(task.scores.type.shape) / task.classes;
  return {
    hits: valued(m.mul(yes, task.actual)),
    predicted: valued(yes),
    actual: valued(task.actual),
    // Labels of each class.
    count: valid ? m.reshape(addUp(context, valid, keep), [task.classes]) : b.full(each, [task.classes], 'i32'),
  };
}
