/** Mean absolute error. */
import { elementCount } from '../ir/types';
import type { Value } from '../ir/graph';
import { defineLoss } from './define';
import { requireFloatPrediction, requireTargets, total } from './targets';

export const mae = defineLoss({
  type: 'mae',
  summary: 'Mean absolute error.',
  details:
    'The mean of |prediction − target| over all elements; both have the same shape, or the targets lack a last axis of extent 1. The gradient at 0 is 0.',
  example: '{type: mae, inputs: [estimate, target]}',
  fields: {},
  arity: [2, 2],
  lower(context, inputs) {
    const [prediction, targets] = inputs as readonly [Value, Value];
    requireFloatPrediction(context, prediction);
    const { b } = context;
    const error = b.op('sub', [prediction, requireTargets(context, prediction, targets)]);
    return { sum: total(context, b.op('abs', [error])), count: b.full(elementCount(prediction.type.shape)) };
  },
});
