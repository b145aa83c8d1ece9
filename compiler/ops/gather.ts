/** Rows of a tensor, chosen by indices: embeddings, and anything that looks up. */
import type { Attrs } from '../ir/graph';
import { tensorType } from '../ir/types';
import { axisAttr, inputAt, integerAttr, requireArity } from './attributes';
import { defineOp } from './define';
import { forEachGathered, gatherView, requireBatchDims, requireIndices } from './families/indexing';

export const gather = defineOp({
  name: 'gather',
  doc:
    'y[b…, o…, k…, i…] = x[b…, o…, indices[b…, k…], i…]: along axis, x gives the slices that the indices name. The first ' +
    'batch_dims axes belong to both. Shape: x.shape[:axis] + indices.shape[batch_dims:] + x.shape[axis+1:]. Indices ' +
    'are i32 or i64; one outside 0..n−1 is a data error, which says where unless `reordered`: a pass has moved them. ' +
    'Gradient of x: scatter_add of g.',
  inputs: ['x', 'indices'],
  outputs: ['y'],
  native: 'kernel',
  traits: { checks: true },

  infer(inputs, attrs) {
    requireArity(inputs, 2);
    const x = inputAt(inputs, 0, 'input');
    const indices = inputAt(inputs, 1, 'indices');
    requireIndices(indices);
    const { axis, batchDims } = placeOf(attrs, x.shape.length);
    requireBatchDims(x, indices, axis, batchDims);
    const shape = [...x.shape.slice(0, axis), ...indices.shape.slice(batchDims), ...x.shape.slice(axis + 1)];
    return [tensorType(x.dtype, shape)];
  },

  evaluate(inputs, attrs) {
    const x = inputAt(inputs, 0, 'input');
    const indices = inputAt(inputs, 1, 'indices');
    const { axis, batchDims } = placeOf(attrs, x.type.shape.length);
    const view = gatherView(x.type.shape, indices.type.shape, axis, batchDims);
    const y = new Float64Array(view.batch * view.outer * view.count * view.inner);
    const copy = (from: number, to: number): void => y.set(x.data.subarray(from, from + view.inner), to);
    forEachGathered(view, indices.data, copy, attrs['reordered'] === true);
    return [y];
  },

  grad({ b, node, outputGrads: [g] }) {
    const [x, indices] = node.inputs;
    if (!g || !x || !indices) return [];
    const size = x.type.shape[integerAttr(node.attrs, 'axis')] ?? 1;
    const { axis, batch_dims } = node.attrs;
    return [b.op('scatter_add', [indices, g], { axis, batch_dims, size } as Attrs)];
  },

  cost: () => ({ flops: 0 }),

  samples: [
    {
      name: 'an embedding',
      inputs: [tensorType('f32', [5, 3]), tensorType('i32', [2, 4])],
      attrs: { axis: 0, batch_dims: 0 },
      values: { 1: [0, 4, 4, 1, 2, 0, 4, 3] },
    },
    {
      name: 'columns, by 64-bit indices',
      inputs: [tensorType('f32', [3, 7]), tensorType('i64', [5])],
      attrs: { axis: 1, batch_dims: 0 },
      values: { 1: [6, 0, 3, 3, 1] },
    },
    {
      name: 'a single slice',
      inputs: [tensorType('f32', [2, 3, 5]), tensorType('i32', [])],
      attrs: { axis: 1, batch_dims: 0 },
      values: { 1: [2] },
    },
    {
      name: 'each sample its own',
      inputs: [tensorType('f32', [2, 3, 5, 3]), tensorType('i32', [2, 3])],
      attrs: { axis: 2, batch_dims: 1 },
      values: { 1: [4, 0, 4, 1, 1, 2] },
    },
    {
      name: 'one of each line',
      inputs: [tensorType('f32', [3, 2, 5]), tensorType('i32', [3, 2])],
      attrs: { axis: 2, batch_dims: 2 },
      values: { 1: [4, 0, 1, 3, 2, 2] },
    },
    {
      name: 'wide rows',
      inputs: [tensorType('f32', [7, 133]), tensorType('i32', [3])],
      attrs: { axis: 0, batch_dims: 0 },
      values: { 1: [6, 2, 6] },
    },
    {
      name: 'integers',
      inputs: [tensorType('i64', [4, 3]), tensorType('i32', [3])],
      attrs: { axis: 0, batch_dims: 0 },
      values: { 1: [3, 0, 3] },
      range: [-9, 9],
    },
    {
      name: 'bools',
      inputs: [tensorType('bool', [3, 5]), tensorType('i32', [7])],
      attrs: { axis: 1, batch_dims: 0 },
      values: { 1: [4, 3, 2, 1, 0, 0, 4] },
    },
    {
      name: 'nothing chosen',
      inputs: [tensorType('u8', [3, 5]), tensorType('i32', [0])],
      attrs: { axis: 0, batch_dims: 0 },
      range: [0, 9],
    },
    {
      name: 'an embedding stored as bfloat16',
      inputs: [tensorType('bf16', [5, 35]), tensorType('i32', [2, 4])],
      attrs: { axis: 0, batch_dims: 0 },
      values: { 1: [0, 4, 4, 1, 2, 0, 4, 3] },
      wrt: [],
    },
  ],
});

function placeOf(attrs: Attrs, rank: number) {
  return { axis: axisAttr(attrs, 'axis', rank), batchDims: integerAttr(attrs, 'batch_dims', 0) };
}
