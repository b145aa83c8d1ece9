/** What losses and metrics ask of their two inputs, predictions and labels. */
import { isFloat, sameShape } from '../ir/types';
import type { Value } from '../ir/graph';
import type { LowerContext } from '../layers/define';

export function requireFloatPrediction(context: LowerContext, prediction: Value): void {
  if (prediction.type.dtype !== 'f32') {
    context.mismatch('dtype', 'its first input, the prediction, should be float32');
  }
}

/** Class numbers as i32, of the prediction's shape without its class axis. */
export function requireLabels(context: LowerContext, prediction: Value, labels: Value, axis: number): Value {
  const expected = prediction.type.shape.filter((_, i) => i !== axis);
  if (!sameShape(labels.type.shape, expected)) {
    context.mismatch(
      'shape',
      `with the classes on axis ${axis}, the labels should be [${expected.join(', ')}]`,
      'labels are class numbers (integers), or probabilities (float32) in the shape of the predictions',
    );
  }
  return labels.type.dtype === 'i32' ? labels : context.b.op('cast', [labels], { dtype: 'i32' });
}

/** True where the labels are probabilities of each class instead of class numbers. */
export function isProbabilities(prediction: Value, labels: Value): boolean {
  return isFloat(labels.type.dtype) && sameShape(prediction.type.shape, labels.type.shape);
}

/**
 * Targets of a loss that compares number by number: float32 and of the prediction's very shape. A last axis of
 * extent 1 may be missing ([N] beside [N, 1]); nothing is broadcast, which would compare all with all.
 */
export function requireTargets(context: LowerContext, prediction: Value, targets: Value): Value {
  const { b } = context;
  const { shape } = prediction.type;
  const bare = shape.at(-1) === 1 ? shape.slice(0, -1) : shape;
  if (!sameShape(targets.type.shape, shape) && !sameShape(targets.type.shape, bare)) {
    context.mismatch('shape', 'predictions and targets need one shape');
  }
  const float = targets.type.dtype === 'f32' ? targets : b.op('cast', [targets], { dtype: 'f32' });
  return sameShape(float.type.shape, shape) ? float : b.op('reshape', [float], { shape });
}

/** Sum over all elements, as f32[]. */
export function total(context: LowerContext, value: Value): Value {
  const axes = value.type.shape.map((_, axis) => axis);
  return axes.length === 0 ? value : context.b.op('reduce_sum', [value], { axes, keepdims: false });
}
