/** Matrix products of two inputs. */
import type { Value } from '../../ir/graph';
import type { Shape } from '../../ir/types';
import { sameShape } from '../../ir/types';
import type { LowerContext } from '../define';
import { defineLayer } from '../define';
import { flag, flagOf } from '../fields';
import { requireFloat } from '../window';

export const matmul = defineLayer({
  type: 'matmul',
  summary: 'The matrix product of two inputs over their last two axes.',
  details:
    '[..., M, K] × [..., K, N] = [..., M, N]. The axes before broadcast as in NumPy and PyTorch: an input without them, such as a `parameter` [K, N], serves every batch. Both inputs have at least 2 axes.',
  example: '{name: scores, type: matmul, inputs: [query, key], transpose_b: true}',
  fields: {
    transpose_a: flag('Turns the matrices of the first input over.', false),
    transpose_b: flag('Turns the matrices of the second input over.', false),
  },
  // A training batch has N samples in every input; what has no batch axis is tested in prediction.
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }, { shape: ['N', 2, 5] }], fields: { transpose_b: true } },
    { inputs: [{ shape: ['N', 5, 3] }, { shape: ['N', 5, 2] }], fields: { transpose_a: true } },
    { inputs: [{ shape: ['N', 3, 5] }, { shape: [5, 2] }], modes: ['predict'] },
    { inputs: [{ shape: [3, 5] }, { shape: ['N', 5, 2] }], modes: ['predict'] },
    { inputs: [{ shape: ['N', 1, 3, 5] }, { shape: [2, 5, 3] }], modes: ['predict'] },
    { inputs: [{ shape: ['N', 5] }, { shape: [5, 3] }], modes: ['predict'] },
  ],
  arity: [2, 2],
  activates: true,
  lower(context, inputs) {
    const { b, fields } = context;
    requireFloat(context, ...inputs);
    const [left, right] = inputs as readonly [Value, Value];
    const shapes = [left.type.shape, right.type.shape] as const;
    if (shapes.some((shape) => shape.length < 2)) context.mismatch('shape', 'both inputs need at least 2 axes');
    const [transpose_a, transpose_b] = [flagOf(fields, 'transpose_a'), flagOf(fields, 'transpose_b')];
    const inner = [shapes[0].at(transpose_a ? -2 : -1), shapes[1].at(transpose_b ? -1 : -2)];
    if (inner[0] !== inner[1]) {
      const problem = `the axes that run together are ${inner[0]} and ${inner[1]} long`;
      context.mismatch('shape', problem, 'transpose_a and transpose_b turn the matrices over');
    }
    const batch = broadcastBatch(context, shapes[0].slice(0, -2), shapes[1].slice(0, -2));
    const spread = (value: Value): Value => {
      const { shape } = value.type;
      const wanted = [...batch, ...shape.slice(-2)];
      return sameShape(shape, wanted) ? value : b.op('broadcast_to', [value], { shape: wanted });
    };
    const shared = shapes[1].length === 2;
    return b.op('matmul', [spread(left), shared ? right : spread(right)], { transpose_a, transpose_b });
  },
});

function broadcastBatch(context: LowerContext, left: Shape, right: Shape): Shape {
  const rank = Math.max(left.length, right.length);
  return Array.from({ length: rank }, (_, i) => {
    const [one, other] = [left.at(i - rank) ?? 1, right.at(i - rank) ?? 1];
    if (one !== other && one !== 1 && other !== 1) {
      context.mismatch('shape', `the inputs differ before the matrices, ${one} and ${other}`);
    }
    return one === 1 ? other : one;
  });
}
