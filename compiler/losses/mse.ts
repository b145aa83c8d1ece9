/** Mean squared error. */
import { elementCount } from '../ir/types';
import type { Value } from '../ir/graph';
import { defineLoss } from './define';
import { requireFloatPrediction, requireTargets, total } from './targets';

export const mse = defineLoss({
  type: 'mse',
  summary: 'Mean squared error.',
  details:
    "The mean of (prediction − target)² over all elements; both have the same shape, or the targets lack a last axis of extent 1. Caffe's EuclideanLoss is half the sum over each sample instead.",
  example: '{type: mse, inputs: [estimate, target]}',
  fields: {},
  arity: [2, 2],
  lower(context, inputs) {
    const [prediction, targets] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, prediction);
    const { b } = context;
    const error = b.op('sub', [prediction, requireTargets(context, prediction, targets)]);
    return { sum: total(context, b.op('square', [error])), count: b.full(elementCount(prediction.type.shape)) };
  },
});
