/** Sparsemax: the probabilities nearest to the scores. */
import type { Value } from '../../ir/graph';
import type { LowerContext } from '../define';
import { Arithmetic } from '../../ops/families/arithmetic';
import { axisOf } from '../axis';
import { defineLayer } from '../define';
import { axisField } from '../fields';
import { requireFloat } from '../window';

export const sparsemax = defineLayer({
  type: 'sparsemax',
  summary: 'Turns scores into probabilities that sum to 1 along an axis, most of them exactly 0.',
  details:
    'The point of the simplex nearest to x: max(x − t, 0), with t such that the sum is 1 (Martins & Astudillo 2016). The gradient is g less its mean over what is not 0. Keras takes the last axis unless told; here it is axis 1.',
  example: '{name: probs, type: sparsemax}',
  fields: { axis: axisField('The axis of the classes.', 1) },
  samples: [
    { inputs: [{ shape: ['N', 5], separated: true }] },
    { inputs: [{ shape: ['N', 2, 7], range: [-2, 2], separated: true }], fields: { axis: -1 } },
    { inputs: [{ shape: ['N', 3, 2], separated: true }] },
  ],
  arity: [1, 1],
  lower(context, inputs) {
    const x = inputs[0]!;
    requireFloat(context, x);
    const axis = axisOf(context, x);
    const m = new Arithmetic(context.b, 'f32');
    const sum = (value: Value): Value => context.b.op('reduce_sum', [value], { axes: [axis], keepdims: true });
    // Sums of scores far from 0 would lose digits; shifting all of them changes nothing.
    const shifted = m.sub(x, context.b.op('reduce_max', [x], { axes: [axis], keepdims: true }));
    const kept = support(context, shifted, axis);
    const cut = m.div(m.sub(sum(m.where(kept, shifted, 0)), 1), sum(m.where(kept, 1, 0)));
    return m.where(kept, m.sub(shifted, cut), 0);
  },
});

/** Where the result is above 0: Σ max(xⱼ − xᵢ, 0) < 1 over all j, which sorting answers for all i at once. */
function support(context: LowerContext, x: Value, axis: number): Value {
  const { b } = context;
  const m = new Arithmetic(b, 'f32');
  const { shape } = x.type;
  const others = b.op('reshape', [x], { shape: shape.toSpliced(axis + 1, 0, 1) });
  const selves = b.op('reshape', [x], { shape: shape.toSpliced(axis, 0, 1) });
  const gaps = b.op('relu', [m.sub(others, selves)]);
  return m.op('less', b.op('reduce_sum', [gaps], { axes: [axis], keepdims: false }), 1);
}
