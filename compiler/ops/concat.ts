/** Tensors one after another along an axis. */
import { elementCount, formatType, type Shape, type TensorType } from '../ir/types';
import { axisAttr, inputAt } from './attributes';
import { defineOp, OpTypeError } from './define';

export const concat = defineOp({
  name: 'concat',
  doc: 'The inputs one after another along an axis; all other extents agree. Gradient of each: its slice of g.',
  inputs: ['x*'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true },
  infer: (inputs, attrs) => {
    const first = inputAt(inputs, 0, 'first input');
    const axis = axisAttr(attrs, 'axis', first.shape.length);
    for (const [i, input] of inputs.entries()) {
      if (!fits(first, input, axis)) {
        throw new OpTypeError(
          `input ${i} is ${formatType(input)}, which does not fit to ${formatType(first)} along axis ${axis}: ` +
            'the dtype and all other extents must agree',
        );
      }
    }
    const extent = inputs.reduce((sum, input) => sum + (input.shape[axis] ?? 0), 0);
    return [{ dtype: first.dtype, shape: first.shape.with(axis, extent) }];
  },
  evaluate: (inputs, attrs, [y]) => {
    if (!y) return [];
    const axis = axisAttr(attrs, 'axis', y.shape.length);
    const rowLength = elementCount(y.shape.slice(axis));
    const result = new Float64Array(elementCount(y.shape));
    let start = 0;
    for (const { data, type } of inputs) {
      const length = elementCount(type.shape.slice(axis));
      for (let from = 0, to = start; from < data.length; from += length, to += rowLength) {
        result.set(data.subarray(from, from + length), to);
      }
      start += length;
    }
    return [result];
  },
  grad: ({ b, node, outputGrads: [g], wants }) => {
    if (!g) return [];
    const axis = axisAttr(node.attrs, 'axis', g.type.shape.length);
    let start = 0;
    return node.inputs.map((input, i) => {
      const from = start;
      start += input.type.shape[axis] ?? 0;
      return wants[i] ? b.op('slice', [g], section(g.type.shape, axis, from, start)) : undefined;
    });
  },
  cost: () => ({ flops: 0 }),
  samples: [
    { inputs: [{ dtype: 'f32', shape: [2, 3] }], attrs: { axis: 0 } },
    { inputs: [f32(2, 3), f32(4, 3)], attrs: { axis: 0 } },
    { inputs: [f32(2, 3, 5), f32(2, 1, 5), f32(2, 4, 5)], attrs: { axis: 1 } },
    { inputs: [f32(3, 4), f32(3, 1)], attrs: { axis: 1 } },
    {
      inputs: [
        { dtype: 'i32', shape: [3] },
        { dtype: 'i32', shape: [2] },
      ],
      attrs: { axis: 0 },
      range: [0, 9],
    },
    {
      inputs: [
        { dtype: 'bf16', shape: [2, 3, 5] },
        { dtype: 'bf16', shape: [2, 3, 33] },
      ],
      attrs: { axis: 2 },
      wrt: [],
    },
    {
      inputs: [
        { dtype: 'bf16', shape: [2, 3, 5] },
        { dtype: 'bf16', shape: [2, 1, 5] },
      ],
      attrs: { axis: 1 },
      wrt: [],
    },
  ],
});

function fits(a: TensorType, b: TensorType, axis: number): boolean {
  return (
    a.dtype === b.dtype &&
    a.shape.length === b.shape.length &&
    a.shape.every((extent, i) => i === axis || extent === b.shape[i])
  );
}

function section(shape: Shape, axis: number, start: number, limit: number) {
  return {
    starts: shape.map((_, i) => (i === axis ? start : 0)),
    limits: shape.map((extent, i) => (i === axis ? limit : extent)),
    strides: shape.map(() => 1),
  };
}

function f32(...shape: readonly number[]) {
  return { dtype: 'f32', shape } as const;
}
