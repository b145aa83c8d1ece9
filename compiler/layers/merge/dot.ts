/** Inner products of two inputs along an axis of each. */
import type { Value } from '../../ir/graph';
import { Arithmetic, reshapeTo } from '../../ops/families/arithmetic';
import { resolveAxis } from '../axis';
import type { LowerContext } from '../define';
import { defineLayer } from '../define';
import { flag, flagOf, isNumbers } from '../fields';
import { contract } from '../linear/contraction';
import { requireFloat } from '../window';

/** Keeps vectors of length 0 from division by 0, as in Keras. */
const LEAST_SQUARE = 1e-12;

export const dot = defineLayer({
  type: 'dot',
  summary: 'Inner products of two inputs, sample by sample, along an axis of each.',
  details:
    "Keras' Dot: [N, A, K] and [N, B, K] with `axes: 2` give [N, A, B]; [N, K] and [N, K] give [N, 1]. With `normalize` both are scaled to length 1 along that axis first: cosines. Other pairings are for `einsum`, matrix products for `matmul`.",
  example: '{name: similarity, type: dot, inputs: [left, right], axes: 1}',
  fields: {
    axes: {
      description:
        'The axis of both inputs, or one for each; negative numbers count from the last. Never the batch axis.',
      anyOf: [{ type: 'integer' }, { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 2 }],
      default: -1,
    },
    normalize: flag('Scales both to length 1 along the axis before.', false),
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 3, 5] }], fields: { axes: 1 } },
    { inputs: [{ shape: ['N', 3] }, { shape: ['N', 3] }] },
    { inputs: [{ shape: ['N', 2, 3] }, { shape: ['N', 3, 5] }], fields: { axes: [2, 1], normalize: true } },
    { inputs: [{ shape: ['N', 3] }, { shape: ['N', 2, 3] }], fields: { normalize: true } },
  ],
  arity: [2, 2],
  activates: true,
  lower(context, inputs) {
    requireFloat(context, ...inputs);
    const [left, right] = inputs as readonly [Value, Value];
    const axes = pairOfAxes(context, left, right);
    const batches = inputs.map(({ type }) => type.shape[0]);
    if (batches[0] !== batches[1]) context.mismatch('shape', 'the inputs differ on the batch axis');
    const extents = inputs.map(({ type }, i) => type.shape[axes[i] ?? 0]);
    if (extents[0] !== extents[1]) {
      context.mismatch('shape', `the axes that run together are ${extents[0]} and ${extents[1]} long`);
    }
    const operands = inputs.map((value, i) => ({
      value: flagOf(context.fields, 'normalize') ? ofLengthOne(context, value, axes[i]!) : value,
      axes: value.type.shape.map((_, axis) => (axis === 0 ? 'n' : axis === axes[i] ? 'k' : `${i}.${axis}`)),
    }));
    const rest = operands.flatMap((operand) => operand.axes.filter((name) => name !== 'n' && name !== 'k'));
    const output = contract(context.b, operands, ['n', ...rest]);
    return rest.length > 0 ? output : reshapeTo(context.b, output, [batches[0] ?? 1, 1]);
  },
});

function pairOfAxes(context: LowerContext, left: Value, right: Value): readonly [number, number] {
  const given = context.fields['axes'];
  const [a, c, path] = isNumbers(given)
    ? [given[0] ?? 0, given[1] ?? 0, (i: number) => ['axes', i]]
    : [Number(given), Number(given), () => ['axes']];
  return [
    resolveAxis(context, a, left.type.shape, path(0), 1, 'first input'),
    resolveAxis(context, c, right.type.shape, path(1), 1, 'second input'),
  ];
}

function ofLengthOne({ b }: LowerContext, x: Value, axis: number): Value {
  const m = new Arithmetic(b, 'f32');
  const squares = b.op('reduce_sum', [m.square(x)], { axes: [axis], keepdims: true });
  return m.mul(x, m.op('rsqrt', m.op('maximum', squares, LEAST_SQUARE)));
}
