/** Reductions, normalizations and orders along axes. */
import type { Node } from '../../../../ir/graph';
import { booleanAttr, integerAttr, integersAttr, numberAttr } from '../../../../ops/attributes';
import type { Emitter, Ref } from '../emitter';
import type { Translate, Translations } from '../translate';

export const rows: Translations = {
  reduce_sum: reduction('ReduceSum'),
  reduce_max: reduction('ReduceMax'),
  reduce_min: reduction('ReduceMin'),
  reduce_prod: reduction('ReduceProd'),
  norm: (node, e) => e.op('ReduceL2', [e.input(node, 0)], { keepdims: 0 }),
  argmax: (node, e) =>
    e.cast(e.op('ArgMax', [e.input(node, 0)], { axis: integerAttr(node.attrs, 'axis'), keepdims: 0 }), 'i32'),
  sort,
  cumsum: (node, e) => {
    const { attrs } = node;
    return e.op('CumSum', [e.input(node, 0), e.scalar('i64', integerAttr(attrs, 'axis'))], {
      ...(booleanAttr(attrs, 'exclusive') && { exclusive: 1 }),
      ...(booleanAttr(attrs, 'reverse') && { reverse: 1 }),
    });
  },
  softmax: (node, e) => e.op('Softmax', [e.input(node, 0)], { axis: integerAttr(node.attrs, 'axis') }),
  log_softmax: (node, e) => e.op('LogSoftmax', [e.input(node, 0)], { axis: integerAttr(node.attrs, 'axis') }),
  layer_norm: layerNorm,
  batch_norm_train: batchStatistics,
};

function reduction(op: string): Translate {
  return (node, e) => {
    const axes = integersAttr(node.attrs, 'axes');
    if (axes.length === 0) return e.input(node, 0);
    return e.op(op, [e.input(node, 0), e.integers(axes)], { keepdims: booleanAttr(node.attrs, 'keepdims') ? 1 : 0 });
  };
}

function sort(node: Node, e: Emitter): Ref[] {
  const axis = integerAttr(node.attrs, 'axis');
  const extents = e.extents.shape(node.inputs[0]!);
  const largest = booleanAttr(node.attrs, 'descending') ? 1 : 0;
  const [values, indices] = e.ops('TopK', [e.input(node, 0), e.shape([extents[axis]!])], { axis, largest }, 2);
  return [values!, e.cast(indices!, 'i32')];
}

function layerNorm(node: Node, e: Emitter): (Ref | undefined)[] {
  const [x, gamma, beta] = node.inputs;
  const axis = integerAttr(node.attrs, 'axis');
  const epsilon = numberAttr(node.attrs, 'epsilon');
  const row = x!.type.shape.slice(axis);
  const layer = node.origin.layer;
  const scale = gamma ? e.ref(gamma) : e.constant('f32', row, [1], `${layer}/ones`);
  const [, mean, rstd] = node.outputs.map((output) => e.uses.has(output));
  const flat = (ref: Ref | undefined, wanted: boolean | undefined): Ref | undefined =>
    wanted && ref ? e.op('Squeeze', [ref, e.integers(row.map((_, i) => axis + i))]) : undefined;
  if (booleanAttr(node.attrs, 'center')) {
    const inputs = [e.ref(x!), scale, beta && e.ref(beta)];
    const outputs = rstd ? 3 : mean ? 2 : 1;
    const made = e.ops('LayerNormalization', inputs, { axis, epsilon: { float: epsilon } }, outputs);
    return [made[0], flat(made[1], mean), flat(made[2], rstd)];
  }
  const axes = e.integers(row.map((_, i) => axis + i));
  const square = e.op('ReduceMean', [e.op('Mul', [e.ref(x!), e.ref(x!)]), axes], { keepdims: 1 });
  const inverse = e.op('Reciprocal', [e.op('Sqrt', [e.op('Add', [square, e.scalar('f32', epsilon)])])]);
  const normal = e.op('Mul', [e.ref(x!), inverse]);
  const scaled = gamma ? e.op('Mul', [normal, scale]) : normal;
  const shifted = beta ? e.op('Add', [scaled, e.ref(beta)]) : scaled;
  const zeros = mean ? e.op('Sub', [flat(inverse, true)!, flat(inverse, true)!]) : undefined;
  return [shifted, zeros, flat(inverse, rstd)];
}

/** Statistics of the batch at hand, where a model normalizes with those in prediction too. */
function batchStatistics(node: Node, e: Emitter): Ref[] {
  const [x, gamma, beta] = node.inputs.map((input) => e.ref(input)) as [Ref, Ref, Ref];
  const { shape, dtype } = node.inputs[0]!.type;
  const axes = e.integers(shape.flatMap((_, axis) => (axis === 1 ? [] : [axis])));
  const wide = [-1, ...shape.slice(2).map(() => 1)];
  const mean = e.op('ReduceMean', [x, axes], { keepdims: 1 });
  const centred = e.op('Sub', [x, mean]);
  const variance = e.op('ReduceMean', [e.op('Mul', [centred, centred]), axes], { keepdims: 1 });
  const deviation = e.op('Sqrt', [e.op('Add', [variance, e.scalar(dtype, numberAttr(node.attrs, 'epsilon'))])]);
  const spread = (ref: Ref): Ref => e.op('Reshape', [ref, e.integers(wide)]);
  const normal = e.op('Mul', [e.op('Div', [centred, deviation]), spread(gamma)]);
  return [e.op('Add', [normal, spread(beta)]), e.op('Squeeze', [mean, axes]), e.op('Squeeze', [variance, axes])];
}
