/** Elements added up along an axis where indices say: the transpose of gather_elements. */
import { elementCount, tensorType } from '../ir/types';
import { axisAttr, inputAt, integerAttr, requireArity, requireFloat, requireShape } from './attributes';
import { defineOp } from './define';
import { forEachLine, viewAround } from './families/channels';
import { indexAt, requireIndices, startOfLine } from './families/indexing';

export const scatter_elements_add = defineOp({
  name: 'scatter_elements_add',
  doc:
    'y[…, n, …] = Σ updates[…, k, …] over the k with indices[…, k, …] = n, 0 where there is none; n runs over 0..size−1 ' +
    "on axis (PyTorch's scatter_add into zeros). Indices and updates have one shape. Sums are in the order of k. An " +
    'index outside 0..size−1 is a data error. Gradient of the updates: gather_elements of g.',
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
    requireShape(updates, indices.shape, 'updates');
    const axis = axisAttr(attrs, 'axis', updates.shape.length);
    return [tensorType(updates.dtype, updates.shape.with(axis, integerAttr(attrs, 'size', 0)))];
  },

  evaluate(inputs, attrs, [output]) {
    const indices = inputAt(inputs, 0, 'indices').data;
    const updates = inputAt(inputs, 1, 'updates');
    const shape = output?.shape ?? [];
    const axis = integerAttr(attrs, 'axis');
    const given = viewAround(updates.type.shape, axis);
    const result = viewAround(shape, axis);
    const y = new Float64Array(elementCount(shape));
    forEachLine(given, (start, step, line) => {
      const first = startOfLine(line, result);
      for (let k = 0; k < given.extent; k++) {
        const from = start + k * step;
        const to = first + indexAt(indices, from, result.extent) * step;
        y[to] = (y[to] as number) + (updates.data[from] as number);
      }
    });
    return [y];
  },

  grad({ b, node, outputGrads: [g] }) {
    const [indices] = node.inputs;
    if (!g || !indices) return [];
    return [undefined, b.op('gather_elements', [g, indices], { axis: integerAttr(node.attrs, 'axis') })];
  },

  cost(inputs) {
    return { flops: elementCount(inputAt(inputs, 1, 'updates').shape) };
  },

  samples: [
    {
      name: 'rows',
      inputs: [tensorType('i32', [2, 3]), tensorType('f32', [2, 3])],
      attrs: { axis: 1, size: 5 },
      values: { 0: [4, 0, 4, 1, 2, 2] },
    },
    {
      name: 'columns that meet, by 64-bit indices',
      inputs: [tensorType('i64', [5, 2]), tensorType('f32', [5, 2])],
      attrs: { axis: 0, size: 3 },
      values: { 0: [2, 0, 1, 1, 0, 2, 2, 2, 0, 0] },
    },
    {
      name: 'an axis within',
      inputs: [tensorType('i32', [2, 3, 3]), tensorType('f32', [2, 3, 3])],
      attrs: { axis: 1, size: 1 },
      values: { 0: new Array<number>(18).fill(0) },
    },
    {
      name: 'nothing to add',
      inputs: [tensorType('i32', [3, 0]), tensorType('f32', [3, 0])],
      attrs: { axis: 1, size: 2 },
      wrt: [],
    },
  ],
});
