/** Where the largest lies. */
import { elementCount, formatType } from '../ir/types';
import { axisAttr, inputAt, requireArity } from './attributes';
import { defineOp, OpTypeError } from './define';

export const argmax = defineOp({
  name: 'argmax',
  doc: 'y = the index, i32, of the largest along the axis, which is removed; the first of equals.',
  inputs: ['x'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true },
  infer: (inputs, attrs) => {
    requireArity(inputs, 1);
    const x = inputAt(inputs, 0, 'input');
    if (x.dtype === 'bool') throw new OpTypeError(`takes numbers, found ${formatType(x)}: cast it first`);
    const axis = axisAttr(attrs, 'axis', x.shape.length);
    if (x.shape[axis] === 0) throw new OpTypeError(`axis ${axis} of ${formatType(x)} is empty`);
    return [{ dtype: 'i32', shape: x.shape.toSpliced(axis, 1) }];
  },
  evaluate: ([x], attrs, [y]) => {
    if (!x || !y) return [];
    const axis = axisAttr(attrs, 'axis', x.type.shape.length);
    const extent = x.type.shape[axis] ?? 1;
    const inner = elementCount(x.type.shape.slice(axis + 1));
    const result = new Float64Array(elementCount(y.shape));
    for (let i = 0; i < result.length; i++) {
      const base = Math.floor(i / inner) * extent * inner + (i % inner);
      let best = 0;
      for (let k = 1; k < extent; k++) {
        if ((x.data[base + k * inner] ?? 0) > (x.data[base + best * inner] ?? 0)) best = k;
      }
      result[i] = best;
    }
    return [result];
  },
  cost: ([x]) => ({ flops: elementCount(x?.shape ?? []) }),
  samples: [
    { inputs: [{ dtype: 'f32', shape: [6, 10] }], attrs: { axis: 1 }, separated: true },
    { inputs: [{ dtype: 'f32', shape: [2, 5, 3, 4] }], attrs: { axis: 1 }, separated: true },
    { name: 'ties', inputs: [{ dtype: 'f32', shape: [2, 3] }], attrs: { axis: 1 }, values: { 0: [1, 3, 3, 2, 2, 2] } },
  ],
});
