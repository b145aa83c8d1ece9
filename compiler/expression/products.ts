/**
 * `dot(a, b, C)`: the sum of products over axes of one name, as a matrix product: what stands on both sides beside them
 * is the batch, the rest are rows and columns. And `one_hot(labels, classes, C)`.
 */
import type { Value } from '../ir/graph';
import { elementCount } from '../ir/types';
import type { TensorFunction } from './arguments';
import { describeAxes, type Tensor } from './axes';
import { ExpressionError, type Expr } from './syntax';
import { tensor, type TensorExpression } from './tensors';

const dot: TensorFunction = (lowering, call) => {
  const [left, right, ...rest] = call.args;
  if (!left || !right || rest.length === 0 || call.named.size > 0) {
    throw new ExpressionError('`dot` takes two tensors and the axes that are summed up', call.at);
  }
  const a = lowering.float(lowering.lower(left));
  const c = lowering.float(lowering.lower(right));
  for (const [x, at] of [
    [a, left.at],
    [c, right.at],
  ] as const) {
    if (x.axes.includes(undefined)) {
      throw new ExpressionError('`dot` needs a name for every axis; give them with `axes:`', at);
    }
  }
  const summed: Tensor['axes'] = rest.map((expr) => sharedAxis(expr, a, c));
  const batch = a.axes.filter((name) => c.axes.includes(name) && !summed.includes(name));
  const rows = a.axes.filter((name) => !c.axes.includes(name));
  const columns = c.axes.filter((name) => !a.axes.includes(name));
  const extent = (x: Tensor, name: string | undefined): number => x.value.type.shape[x.axes.indexOf(name)] ?? 1;
  for (const name of [...batch, ...summed]) {
    if (extent(a, name) !== extent(c, name)) {
      const problem = `axis ${name} is ${extent(a, name)} on one side and ${extent(c, name)} on the other`;
      throw new ExpressionError(problem, call.at);
    }
  }
  const extents = (x: Tensor, names: Tensor['axes']): number[] => names.map((name) => extent(x, name));
  const batches = extents(a, batch);
  const k = elementCount(extents(a, summed));
  const matrix = (x: Tensor, names: Tensor['axes'], shape: readonly number[]): Value => {
    const ordered = lowering.b.op('transpose', [x.value], { perm: names.map((name) => x.axes.indexOf(name)) });
    return lowering.b.op('reshape', [ordered], { shape: [...batches, ...shape] });
  };
  const product = lowering.b.op(
    'matmul',
    [
      matrix(a, [...batch, ...rows, ...summed], [elementCount(extents(a, rows)), k]),
      matrix(c, [...batch, ...summed, ...columns], [k, elementCount(extents(c, columns))]),
    ],
    { transpose_a: false, transpose_b: false },
  );
  const shape = [...batches, ...extents(a, rows), ...extents(c, columns)];
  return tensor(lowering.b.op('reshape', [product], { shape }), [...batch, ...rows, ...columns]);
};

function sharedAxis(expr: Expr, a: Tensor, b: Tensor): string {
  const name = expr.kind === 'name' ? expr.name : undefined;
  for (const x of [a, b]) {
    if (name === undefined || !x.axes.includes(name)) {
      throw new ExpressionError(`\`dot\` sums over axes that both sides have; there are ${describeAxes(x)}`, expr.at);
    }
  }
  return name!;
}

/** Their numbers are a constant of the graph. */
const MOST_CLASSES = 2 ** 20;

/** Class numbers as rows of 0 and 1, on a new last axis. */
const oneHot: TensorFunction = (lowering: TensorExpression, call) => {
  const [labels, classes, name, ...more] = call.args;
  if (!labels || !classes || more.length > 0 || (name && name.kind !== 'name') || call.named.size > 0) {
    throw new ExpressionError('`one_hot` takes labels, the number of classes, and a name for their axis', call.at);
  }
  const x = lowering.cast(lowering.asTensor(lowering.lower(labels)), 'i32');
  const count = lowering.number(lowering.lower(classes), classes.at);
  if (!Number.isInteger(count) || count < 1 || count > MOST_CLASSES) {
    throw new ExpressionError(`the number of classes is from 1 to ${MOST_CLASSES}; found ${count}`, classes.at);
  }
  const { b } = lowering;
  const { shape } = x.value.type;
  const column = b.op('reshape', [x.value], { shape: [...shape, 1] });
  const numbers = b.constant(
    Array.from({ length: count }, (_, i) => i),
    [...shape.map(() => 1), count],
    'i32',
  );
  const hot = b.op('cast', [b.op('equal', [column, numbers])], { dtype: 'f32' });
  return tensor(hot, [...x.axes, name?.kind === 'name' ? name.name : 'C']);
};

export const PRODUCTS: readonly (readonly [string, TensorFunction])[] = [
  ['dot', dot],
  ['one_hot', oneHot],
];
