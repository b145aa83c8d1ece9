/**
 * Class numbers in the hands of a loss: checked and freed of those to ignore, turned into an indicator of their class,
 * used to pick the score of each label. The fields that such losses share are here too.
 */
import type { FieldSchema } from '../frontend/describe';
import type { Value } from '../ir/graph';
import { axisOf } from '../layers/axis';
import type { LowerContext } from '../layers/define';
import { numbersOf } from '../layers/fields';
import { Formula } from './formula';
import { requireLabels } from './targets';

export interface ClassLabels {
  /** i32, 0 where ignored. */
  readonly numbers: Value;
  /** 0 where ignored, else 1; undefined where none can be. */
  readonly valid?: Value;
  readonly axis: number;
}

export const ignoreField: FieldSchema = {
  description: 'Labels of this number do not count at all (255 in many segmentation sets).',
  type: 'integer',
};

/** For losses that need the axis only sometimes: where it would have no effect, they refuse it. */
export const unsetAxis = (description: string): FieldSchema => ({
  description: `${description} Negative numbers count from the last axis; 1 by default.`,
  type: 'integer',
});

export function classAxis(context: LowerContext, scores: Value, least = 0): number {
  return axisOf({ ...context, fields: { axis: 1, ...context.fields } }, scores, least);
}

export const classWeightsField: FieldSchema = {
  description: 'One weight for each class.',
  type: 'array',
  items: { type: 'number', minimum: 0 },
  minItems: 1,
};

/** Labels of the scores' shape without the class axis; `ignore_index`, if it is a field, taken out. */
export function classLabels(context: LowerContext, scores: Value, labels: Value, axis: number): ClassLabels {
  if (labels.type.dtype === 'f32') {
    context.mismatch(
      'dtype',
      'the labels should be class numbers',
      'declare the input with `dtype: int32`: class numbers are integers',
    );
  }
  const numbers = requireLabels(context, scores, labels, axis);
  const ignore = context.fields['ignore_index'];
  if (typeof ignore !== 'number') return { numbers, axis };
  const m = Formula.in(context);
  const ignored = m.equal(numbers, context.b.full(ignore, [], 'i32'));
  const zero = context.b.full(0, [], 'i32');
  return { numbers: m.where(ignored, zero, numbers), valid: m.where(ignored, 0, 1), axis };
}

/** The element of each label along the class axis; a label outside of it is a data error of the run. */
export function pick(context: LowerContext, x: Value, { numbers, axis }: ClassLabels): Value {
  const m = Formula.in(context);
  const one = x.type.shape.map((extent, i) => (i === axis ? 1 : extent));
  const picked = context.b.op('gather_elements', [x, m.reshape(numbers, one)], { axis });
  return m.reshape(picked, numbers.type.shape);
}

/** True for each label's own class, in the shape of the scores. */
export function ownClass(context: LowerContext, scores: Value, { numbers, axis }: ClassLabels): Value {
  const m = Formula.in(context);
  const { shape } = scores.type;
  const along = shape.map((extent, i) => (i === axis ? extent : 1));
  const classes = Array.from({ length: shape[axis] ?? 0 }, (_, c) => c);
  const column = m.reshape(
    numbers,
    shape.map((extent, i) => (i === axis ? 1 : extent)),
  );
  return m.equal(column, context.b.constant(classes, along, 'i32'));
}

/** Labels that are ignored have a loss of 0. */
export function validOnly(context: LowerContext, loss: Value, { valid }: ClassLabels): Value {
  return valid ? Formula.in(context).mul(loss, valid) : loss;
}

/** `class_weights` as a tensor [C], checked. */
export function classWeights(context: LowerContext, classes: number): Value | undefined {
  if (context.fields['class_weights'] === undefined) return undefined;
  const weights = numbersOf(context.fields, 'class_weights');
  if (weights.length !== classes) {
    context.fail(['class_weights'], `${weights.length} weights are given for ${classes} classes`);
  }
  if (weights.every((weight) => weight === 0)) {
    context.fail(['class_weights'], 'every class has a weight of 0, so that nothing would be learned');
  }
  return context.b.constant(weights, [classes]);
}

/** The class weight of each label, 0 where it is ignored. */
export function weightOfLabels(context: LowerContext, weights: Value, labels: ClassLabels): Value {
  const picked = context.b.op('gather', [weights, labels.numbers], { axis: 0, batch_dims: 0 });
  return validOnly(context, picked, labels);
}
