/** Lines in order, and where each element was. */
import { bytesOf, elementCount, formatType, tensorType, type TensorType } from '../ir/types';
import { axisAttr, booleanAttr, inputAt, integerAttr, requireArity } from './attributes';
import { defineOp, OpTypeError } from './define';
import { forEachLine, viewAround } from './families/channels';

/** What a kernel lends each of its threads; longer lines are sorted in the workspace. */
const LANE_BYTES = 2 ** 21;

export const sort = defineOp({
  name: 'sort',
  doc:
    'values = the elements of each line along axis from the least to the greatest (descending: from the greatest), ' +
    'indices (i32) = where they were: values[…, k, …] = x[…, indices[…, k, …], …]. Equal elements keep their order, ' +
    'NaN comes last either way. Gradient: scatter_elements_add of that of values.',
  inputs: ['x'],
  outputs: ['values', 'indices'],
  native: 'kernel',
  traits: { foldable: true },

  infer(inputs, attrs) {
    requireArity(inputs, 1);
    const x = inputAt(inputs, 0, 'input');
    if (x.dtype === 'bool') throw new OpTypeError(`takes numbers, found ${formatType(x)}: cast it first`);
    axisAttr(attrs, 'axis', x.shape.length);
    booleanAttr(attrs, 'descending');
    return [x, tensorType('i32', x.shape)];
  },

  evaluate(inputs, attrs) {
    const x = inputAt(inputs, 0, 'input');
    const sign = booleanAttr(attrs, 'descending') ? -1 : 1;
    const values = new Float64Array(x.data.length);
    const indices = new Float64Array(x.data.length);
    const view = viewAround(x.type.shape, integerAttr(attrs, 'axis'));
    forEachLine(view, (start, step) => {
      const at = (i: number): number => x.data[start + i * step] as number;
      const order = Array.from({ length: view.extent }, (_, i) => i).sort((i, j) => {
        const [a, b] = [at(i), at(j)];
        if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
        return a === b ? 0 : sign * (a < b ? -1 : 1);
      });
      order.forEach((from, k) => {
        values[start + k * step] = at(from);
        indices[start + k * step] = from;
      });
    });
    return [values, indices];
  },

  grad({ b, node, outputGrads: [g] }) {
    const [x] = node.inputs;
    const [, indices] = node.outputs;
    if (!g || !x || !indices) return [];
    const axis = integerAttr(node.attrs, 'axis');
    return [b.op('scatter_elements_add', [indices, g], { axis, size: x.type.shape[axis] ?? 1 })];
  },

  cost([x], _outputs, attrs) {
    const extent = x?.shape[integerAttr(attrs, 'axis')] ?? 1;
    return { flops: elementCount(x?.shape ?? []) * Math.ceil(Math.log2(Math.max(2, extent))) };
  },

  workspace([x], _outputs, attrs) {
    const extent = x?.shape[integerAttr(attrs, 'axis')] ?? 1;
    return x && extent * entryBytes(x) > LANE_BYTES ? elementCount(x.shape) * entryBytes(x) : 0;
  },

  samples: [
    { name: 'a line', inputs: [tensorType('f32', [9])], attrs: { axis: 0, descending: false }, separated: true },
    {
      name: 'rows, descending',
      inputs: [tensorType('f32', [3, 7])],
      attrs: { axis: 1, descending: true },
      separated: true,
    },
    {
      name: 'an axis within',
      inputs: [tensorType('f32', [2, 5, 3])],
      attrs: { axis: 1, descending: false },
      separated: true,
    },
    {
      name: 'ties keep their order, zeros of either sign are equal',
      inputs: [tensorType('f32', [2, 5])],
      attrs: { axis: 1, descending: true },
      values: { 0: [1, 3, 1, 3, 1, 0, -0, -1, 0, -0] },
      wrt: [],
    },
    {
      name: 'integers',
      inputs: [tensorType('i32', [3, 11])],
      attrs: { axis: 1, descending: false },
      range: [-4, 4],
    },
    {
      name: '64-bit integers, descending',
      inputs: [tensorType('i64', [13])],
      attrs: { axis: 0, descending: true },
      range: [-3, 3],
    },
    { name: 'bytes', inputs: [tensorType('u8', [5, 3])], attrs: { axis: 0, descending: true }, range: [0, 255] },
    { name: 'one element', inputs: [tensorType('f32', [3, 1])], attrs: { axis: 1, descending: false }, wrt: [0] },
    { name: 'nothing', inputs: [tensorType('f32', [3, 0])], attrs: { axis: 1, descending: false }, wrt: [] },
  ],
});

/** A key and an index: what the kernel sorts. */
function entryBytes(x: TensorType): number {
  return bytesOf(tensorType(x.dtype, [])) === 8 ? 16 : 8;
}
