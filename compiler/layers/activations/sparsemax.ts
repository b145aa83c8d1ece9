/** Sparsemax: the probabilities nearest to the scores. */
import type { Value } from '../../ir/graph';
import type { LowerContext } from '../define';
import { Arithmetic } from '../../ops/families/arithmetic';
import { axisOf } from '../axis';
import { defineLayer } from '../define';
import { axisField } from '../fields';
import { requireFloat } from '../window';
import { tableOf } from '../table';

export const sparsemax = defineLayer({
  type: 'sparsemax',
  summary: 'Turns scores into probabilities that sum to 1 along an axis, most of them exactly 0.',
  details:
    'The point of the simplex nearest to x: max(x − t, 0), with t such that the sum is 1 (Martins & Astudillo 2016). The gradient is g less its mean over what is not 0. Keras takes the last axis unless told; here it is axis 1.',
  example: '{name: probs, type: sparsemax}',
  fields: { axis: axisField('The axis of the classes.', 1) },
  // Not separated: evenly spaced scores lie on the kinks, where an element is just about to enter.
  samples: [
    { inputs: [{ shape: ['N', 5] }] },
    { inputs: [{ shape: ['N', 2, 7], range: [-2, 2] }], fields: { axis: -1 } },
    { inputs: [{ shape: ['N', 3, 2] }] },
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

/**
 * Where the result is above 0: with the scores in falling order z₁, z₂, … and Sₖ the sum of the first k, those up to the
 * last k for which 1 + k·zₖ > Sₖ. Which they are has no gradient, so that sorting needs none.
 */
function support(context: LowerContext, x: Value, axis: number): Value {
  const { b } = context;
  const m = new Arithmetic(b, 'f32');
  const { shape } = x.type;
  const extent = shape[axis] ?? 1;
  const [sorted] = b.ops('sort', [x], { axis, descending: true }) as readonly [Value];
  const ranks = b.constant(
    tableOf(extent, (k) => k + 1),
    shape.map((n, i) => (i === axis ? n : 1)),
  );
  const sums = b.op('cumsum', [sorted], { axis, exclusive: false, reverse: false });
  const within = m.greater(m.add(m.mul(ranks, sorted), 1), sums);
  const least = b.op('reduce_min', [m.where(within, sorted, Infinity)], { axes: [axis], keepdims: true });
  return m.greaterEqual(x, least);
}
