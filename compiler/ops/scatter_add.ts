/** Slices added up where indices say: the transpose of gather. */
import type { Attrs } from '../ir/graph';
import { elementCount, formatType, sameShape, tensorType, type Shape, type TensorType } from '../ir/types';
import { inputAt, integerAttr, requireArity, requireFloat } from './attributes';
import { defineOp, OpTypeError } from './define';
import { forEachGathered, gatherView, requireIndices } from './families/indexing';
import { formatShape } from './families/shapes';

export const scatter_add = defineOp({
  name: 'scatter_add',
  doc:
    'y[b…, o…, n, i…] = Σ updates[b…, o…, k…, i…] over the k with indices[b…, k…] = n; 0 where there is none. n runs over ' +
    '0..size−1 on axis of y. The indices start with the first batch_dims axes of the updates; their other axes stand in ' +
    'the updates from axis on. Sums are in the order of k. An index outside 0..size−1 is a data error. Gradient of the ' +
    'updates: gather of g.',
  inputs: ['indices', 'updates'],
  outputs: ['y'],
  native: 'kernel',
  traits: {},

  infer(inputs, attrs) {
    requireArity(inputs, 2);
    const indices = inputAt(inputs, 0, 'indices');
    const updates = inputAt(inputs, 1, 'updates');
    requireIndices(indices);
    requireFloat(updates, 'updates');
    return [tensorType(updates.dtype, resultShape(indices, updates, attrs))];
  },

  evaluate(inputs, attrs, [output]) {
    const indices = inputAt(inputs, 0, 'indices');
    const updates = inputAt(inputs, 1, 'updates');
    const shape = output?.shape ?? [];
    const y = new Float64Array(elementCount(shape));
    const view = gatherView(shape, indices.type.shape, integerAttr(attrs, 'axis'), integerAttr(attrs, 'batch_dims'));
    forEachGathered(view, indices.data, (to, from) => {
      for (let i = 0; i < view.inner; i++) y[to + i] = (y[to + i] as number) + (updates.data[from + i] as number);
    });
    return [y];
  },

  grad({ b, node, outputGrads: [g] }) {
    const [indices] = node.inputs;
    if (!g || !indices) return [];
    const { axis, batch_dims } = node.attrs;
    return [undefined, b.op('gather', [g, indices], { axis, batch_dims } as Attrs)];
  },

  cost(inputs) {
    return { flops: elementCount(inputAt(inputs, 1, 'updates').shape) };
  },

  samples: [
    {
      name: 'rows that meet',
      inputs: [tensorType('i32', [2, 3]), tensorType('f32', [2, 3, 5])],
      attrs: { axis: 0, batch_dims: 0, size: 7 },
      values: { 0: [1, 6, 1, 0, 1, 6] },
    },
    {
      name: 'columns, by 64-bit indices',
      inputs: [tensorType('i64', [5]), tensorType('f32', [3, 5])],
      attrs: { axis: 1, batch_dims: 0, size: 3 },
      values: { 0: [2, 2, 0, 2, 0] },
    },
    {
      name: 'a single slice',
      inputs: [tensorType('i32', []), tensorType('f32', [2, 3])],
      attrs: { axis: 1, batch_dims: 0, size: 3 },
      values: { 0: [1] },
    },
    {
      name: 'each sample its own',
      inputs: [tensorType('i32', [2, 3]), tensorType('f32', [2, 3, 3, 5])],
      attrs: { axis: 2, batch_dims: 1, size: 5 },
      values: { 0: [4, 0, 4, 1, 1, 2] },
    },
    {
      name: 'wide rows, many lines',
      inputs: [tensorType('i32', [9]), tensorType('f32', [9, 301])],
      attrs: { axis: 0, batch_dims: 0, size: 67 },
      values: { 0: [66, 3, 3, 66, 0, 3, 21, 66, 40] },
    },
    {
      name: 'one of each line',
      inputs: [tensorType('i32', [3, 2]), tensorType('f32', [3, 2])],
      attrs: { axis: 2, batch_dims: 2, size: 5 },
      values: { 0: [4, 0, 1, 3, 2, 2] },
    },
    {
      name: 'nothing to add',
      inputs: [tensorType('i32', [0]), tensorType('f32', [0, 3])],
      attrs: { axis: 0, batch_dims: 0, size: 2 },
      wrt: [],
    },
    {
      name: 'rows that meet, stored as bfloat16',
      inputs: [tensorType('i32', [2, 3]), tensorType('bf16', [2, 3, 35])],
      attrs: { axis: 0, batch_dims: 0, size: 7 },
      values: { 0: [1, 6, 1, 0, 1, 6] },
      wrt: [],
    },
  ],
});

function resultShape(indices: TensorType, updates: TensorType, attrs: Attrs): Shape {
  const batchDims = integerAttr(attrs, 'batch_dims', 0);
  const axis = integerAttr(attrs, 'axis', batchDims);
  const size = integerAttr(attrs, 'size', 0);
  const own = indices.shape.slice(batchDims);
  const end = axis + own.length;
  const { shape } = updates;
  const fits =
    indices.shape.length >= batchDims &&
    shape.length >= end &&
    sameShape(shape.slice(0, batchDims), indices.shape.slice(0, batchDims)) &&
    sameShape(shape.slice(axis, end), own);
  if (!fits) {
    throw new OpTypeError(
      `the updates ${formatType(updates)} do not hold the indices ${formatShape(indices.shape)}: ` +
        `${batchDims} batch axes first, the rest from axis ${axis} on`,
    );
  }
  return [...shape.slice(0, axis), size, ...shape.slice(end)];
}
