/** Elements chosen one by one along an axis. */
import { elementCount, tensorType } from '../ir/types';
import { axisAttr, inputAt, integerAttr, requireArity } from './attributes';
import { defineOp } from './define';
import { forEachLine, viewAround } from './families/channels';
import { indexAt, requireIndices, requireSameLines, startOfLine } from './families/indexing';

export const gather_elements = defineOp({
  name: 'gather_elements',
  doc:
    'y[…, k, …] = x[…, indices[…, k, …], …], k and the index on axis: y has the shape of the indices, which is that of x ' +
    "but for the axis (PyTorch's gather, NumPy's take_along_axis). Indices are i32 or i64; one outside 0..n−1 is a " +
    'data error. Gradient of x: scatter_elements_add of g.',
  inputs: ['x', 'indices'],
  outputs: ['y'],
  native: 'kernel',
  traits: { checks: true },

  infer(inputs, attrs) {
    requireArity(inputs, 2);
    const x = inputAt(inputs, 0, 'input');
    const indices = inputAt(inputs, 1, 'indices');
    requireIndices(indices);
    const axis = axisAttr(attrs, 'axis', x.shape.length);
    requireSameLines(x.shape, indices, axis);
    return [tensorType(x.dtype, indices.shape)];
  },

  evaluate(inputs, attrs) {
    const x = inputAt(inputs, 0, 'input');
    const indices = inputAt(inputs, 1, 'indices');
    const axis = integerAttr(attrs, 'axis');
    const picked = viewAround(indices.type.shape, axis);
    const from = viewAround(x.type.shape, axis);
    const y = new Float64Array(elementCount(indices.type.shape));
    forEachLine(picked, (start, step, line) => {
      const first = startOfLine(line, from);
      for (let k = 0; k < picked.extent; k++) {
        const at = start + k * step;
        y[at] = x.data[first + indexAt(indices.data, at, from.extent) * step] as number;
      }
    });
    return [y];
  },

  grad({ b, node, outputGrads: [g] }) {
    const [x, indices] = node.inputs;
    if (!g || !x || !indices) return [];
    const axis = integerAttr(node.attrs, 'axis');
    return [b.op('scatter_elements_add', [indices, g], { axis, size: x.type.shape[axis] ?? 1 })];
  },

  cost: () => ({ flops: 0 }),

  samples: [
    {
      name: 'rows',
      inputs: [tensorType('f32', [2, 5]), tensorType('i32', [2, 3])],
      attrs: { axis: 1 },
      values: { 1: [4, 0, 4, 1, 2, 2] },
    },
    {
      name: 'columns, more than there are, by 64-bit indices',
      inputs: [tensorType('f32', [3, 2]), tensorType('i64', [5, 2])],
      attrs: { axis: 0 },
      values: { 1: [2, 0, 1, 1, 0, 2, 2, 2, 0, 0] },
    },
    {
      name: 'an axis within',
      inputs: [tensorType('f32', [2, 3, 3]), tensorType('i32', [2, 1, 3])],
      attrs: { axis: 1 },
      values: { 1: [2, 0, 1, 1, 1, 0] },
    },
    {
      name: 'integers',
      inputs: [tensorType('i32', [7]), tensorType('i32', [3])],
      attrs: { axis: 0 },
      values: { 1: [6, 6, 1] },
      range: [-9, 9],
    },
    {
      name: 'bools',
      inputs: [tensorType('bool', [2, 3]), tensorType('i32', [2, 3])],
      attrs: { axis: 1 },
      values: { 1: [2, 1, 0, 0, 0, 2] },
    },
    {
      name: 'rows stored as bfloat16',
      inputs: [tensorType('bf16', [2, 5]), tensorType('i32', [2, 3])],
      attrs: { axis: 1 },
      values: { 1: [4, 0, 4, 1, 2, 2] },
      wrt: [],
    },
  ],
});
