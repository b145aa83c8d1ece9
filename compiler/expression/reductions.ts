/**
 * Reductions over named axes: `mean(x, H, W)`, `max(x, axis=1)`, `sum(x)` for everything. What they leave keeps the names
 * of its axes, so that it meets the tensor it came from again.
 */
import type { Value } from '../ir/graph';
import { axesOf, flagOf, isAxisName, unknownArgument, type Call, type TensorFunction } from './arguments';
import type { Tensor } from './axes';
import { extreme } from './functions';
import { ExpressionError } from './syntax';
import { scalar, tensor, type TensorExpression } from './tensors';

interface Reduced {
  readonly x: Value;
  readonly axes: readonly number[];
  /** Elements in each sum. */
  readonly count: number;
}

/** Computes with the reduced axes kept at extent 1. */
type Reduce = (lowering: TensorExpression, reduced: Reduced) => Value;

const over = (op: string): Reduce => {
  return ({ b }, { x, axes }) => b.op(op, [x], { axes, keepdims: true });
};
const sum = over('reduce_sum');
const greatest = over('reduce_max');

const mean: Reduce = (lowering, reduced) => {
  const { b } = lowering;
  return b.op('mul', [sum(lowering, reduced), b.full(1 / reduced.count)]);
};

/** Of the population (divided by n), in two passes so that no digits cancel. */
const variance: Reduce = (lowering, reduced) => {
  const { b } = lowering;
  const centred = b.op('sub', [reduced.x, mean(lowering, reduced)]);
  return mean(lowering, { ...reduced, x: b.op('square', [centred]) });
};

/** At 0, where the root has no slope, its gradient is 0. */
const root =
  (inner: Reduce): Reduce =>
  (lowering, reduced) => {
    const { b } = lowering;
    const value = inner(lowering, reduced);
    const none = b.op('equal', [value, b.full(0)]);
    const safe = b.op('sqrt', [b.op('where', [none, b.full(1), value])]);
    return b.op('where', [none, b.full(0), safe]);
  };

const squares: Reduce = (lowering, reduced) => sum(lowering, { ...reduced, x: lowering.b.op('square', [reduced.x]) });

/** max + log Σ exp(x − max): no overflow. The maximum's own gradient cancels out. */
const logSumExp: Reduce = (lowering, reduced) => {
  const { b } = lowering;
  const top = greatest(lowering, reduced);
  const shifted = b.op('exp', [b.op('sub', [reduced.x, top])]);
  return b.op('add', [b.op('log', [sum(lowering, { ...reduced, x: shifted })]), top]);
};

const truths =
  (op: string): Reduce =>
  ({ b }, { x, axes }) => {
    const share = b.op(op, [b.op('cast', [x], { dtype: 'f32' })], { axes, keepdims: true });
    return b.op('greater', [share, b.full(0.5)]);
  };

interface Options {
  /** Keeps integers; others become float32. */
  readonly integers?: boolean;
  readonly truths?: boolean;
}

function reduction(reduce: Reduce, options: Options = {}): TensorFunction {
  return (lowering, call) => {
    const [first, ...rest] = call.args;
    if (!first) throw new ExpressionError(`\`${call.name}\` takes a tensor and the axes to go over`, call.at);
    for (const [name, value] of call.named) {
      if (name !== 'axis' && name !== 'keepdims') throw unknownArgument(call, name, value, ['axis', 'keepdims']);
    }
    const given = lowering.asTensor(lowering.lower(first));
    const x = options.truths
      ? lowering.condition(given, call.name, first.at)
      : options.integers
        ? lowering.arithmetic(given)
        : lowering.cast(given, 'f32');
    const axes = axesOf(lowering, call, rest, x) ?? x.axes.map((_, axis) => axis);
    return reduced(lowering, x, axes, reduce, flagOf(lowering, call, 'keepdims'));
  };
}

function reduced(
  lowering: TensorExpression,
  x: Tensor,
  axes: readonly number[],
  reduce: Reduce,
  keep: boolean,
): ReturnType<TensorFunction> {
  const { shape } = x.value.type;
  if (axes.length === 0) return { kind: 'tensor', ...x };
  const count = axes.reduce((product, axis) => product * (shape[axis] ?? 1), 1);
  const value = reduce(lowering, { x: x.value, axes, count });
  if (keep) return tensor(value, x.axes);
  const left = shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
  const flat = lowering.b.op('reshape', [value], { shape: left.map((axis) => shape[axis] ?? 1) });
  return tensor(
    flat,
    left.map((axis) => x.axes[axis]),
  );
}

/** `max(x, C)` goes over an axis, `max(x, y)` and `max(x, 0)` compare element by element. */
function extremeOrReduction(op: 'minimum' | 'maximum', reduce: TensorFunction): TensorFunction {
  return (lowering, call) => {
    const [first, ...rest] = call.args;
    if (!first || rest.length === 0) return reduce(lowering, call);
    const term = lowering.lower(first);
    const isOver =
      term.kind === 'tensor' && rest.every((expr) => expr.kind === 'list' || isAxisName(lowering, expr, term));
    if (isOver) return reduce(lowering, call);
    for (const [name, value] of call.named) throw unknownArgument(call, name, value, ['axis', 'keepdims']);
    return extreme(lowering, op, [term, ...rest.map((expr) => lowering.lower(expr))], call);
  };
}

/** One axis: `softmax(x, C)`, `argmax(x, C)`. */
function alongAxis(
  apply: (lowering: TensorExpression, x: Value, axis: number, call: Call) => Value,
  keeps: boolean,
): TensorFunction {
  return (lowering, call) => {
    const [first, ...rest] = call.args;
    if (!first) throw new ExpressionError(`\`${call.name}\` takes a tensor and an axis`, call.at);
    for (const [name, value] of call.named) if (name !== 'axis') throw unknownArgument(call, name, value, ['axis']);
    const x = lowering.float(lowering.lower(first));
    const axes = axesOf(lowering, call, rest, x) ?? [x.axes.length - 1];
    const [axis = -1, ...more] = axes;
    if (axis < 0 || more.length > 0) throw new ExpressionError(`\`${call.name}\` goes along one axis`, call.at);
    const value = apply(lowering, x.value, axis, call);
    return tensor(value, keeps ? x.axes : x.axes.toSpliced(axis, 1));
  };
}

const op = (name: string): ((lowering: TensorExpression, x: Value, axis: number) => Value) => {
  return ({ b }, x, axis) => b.op(name, [x], { axis });
};

/** The extent of an axis, as a number that is known beforehand. */
const size: TensorFunction = (lowering, call) => {
  const [first, ...rest] = call.args;
  if (!first) throw new ExpressionError('`size` takes a tensor and axes', call.at);
  const x = lowering.asTensor(lowering.lower(first));
  const axes = axesOf(lowering, call, rest, x) ?? x.axes.map((_, axis) => axis);
  return scalar(axes.reduce((product, axis) => product * (x.value.type.shape[axis] ?? 1), 1));
};

export const REDUCTIONS: readonly (readonly [string, TensorFunction])[] = [
  ['sum', reduction(sum, { integers: true })],
  ['mean', reduction(mean)],
  ['max', extremeOrReduction('maximum', reduction(greatest, { integers: true }))],
  ['min', extremeOrReduction('minimum', reduction(over('reduce_min'), { integers: true }))],
  ['prod', reduction(over('reduce_prod'))],
  ['var', reduction(variance)],
  ['std', reduction(root(variance))],
  ['norm', reduction(root(squares))],
  ['logsumexp', reduction(logSumExp)],
  ['any', reduction(truths('reduce_max'), { truths: true })],
  ['all', reduction(truths('reduce_min'), { truths: true })],
  ['softmax', alongAxis(op('softmax'), true)],
  ['log_softmax', alongAxis(op('log_softmax'), true)],
  ['argmax', alongAxis(op('argmax'), false)],
  ['argmin', alongAxis(({ b }, x, axis) => b.op('argmax', [b.op('neg', [x])], { axis }), false)],
  ['size', size],
];
