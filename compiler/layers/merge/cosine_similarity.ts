/** The cosine of the angle between two inputs. */
import type { Value } from '../../ir/graph';
import { Arithmetic } from '../../ops/families/arithmetic';
import { axisOf } from '../axis';
import { defineLayer } from '../define';
import { axisField, numberOf } from '../fields';
import { requireStretch } from './merge';
import { requireFloat } from '../window';

export const cosineSimilarity = defineLayer({
  type: 'cosine_similarity',
  summary: 'The cosine of the angle between two inputs along an axis, which is removed.',
  details:
    "a · b / (max(‖a‖, epsilon) · max(‖b‖, epsilon)), as in PyTorch. The inputs have the same number of axes; extents of 1 are stretched. Keras' `Dot` with `normalize` is `dot`.",
  example: '{name: similarity, type: cosine_similarity, inputs: [left, right]}',
  fields: {
    axis: axisField('The axis of the vectors.', 1),
    epsilon: { description: 'Least length that is divided by.', type: 'number', exclusiveMinimum: 0, default: 1e-8 },
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }, { shape: ['N', 3, 5] }] },
    { inputs: [{ shape: ['N', 1, 5] }, { shape: ['N', 3, 5] }], fields: { axis: -1 } },
    { inputs: [{ shape: ['N', 3], values: [0] }, { shape: ['N', 3] }], fields: { epsilon: 0.1 }, wrt: [1] },
  ],
  arity: [2, 2],
  lower(context, inputs) {
    const { b } = context;
    requireFloat(context, ...inputs);
    requireStretch(context, inputs);
    const [left, right] = inputs as readonly [Value, Value];
    const m = new Arithmetic(b, 'f32');
    const axis = axisOf(context, left, 1);
    if (left.type.shape[axis] !== right.type.shape[axis]) {
      context.mismatch('shape', `the vectors on axis ${axis} differ in length`);
    }
    const sum = (x: Value): Value => b.op('reduce_sum', [x], { axes: [axis], keepdims: false });
    const least = numberOf(context.fields, 'epsilon') ** 2;
    // Under the root, so that a vector of zeros divides by a constant and its gradient is finite.
    const scale = (x: Value): Value => m.op('rsqrt', m.op('maximum', sum(m.square(x)), least));
    return m.mul(m.mul(sum(m.mul(left, right)), scale(left)), scale(right));
  },
});
