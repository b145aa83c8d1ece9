/** Conversion between dtypes. */
import { DTYPES, elementCount, isFloat, type DType } from '../ir/types';
import { inputAt, requireArity, stringAttr } from './attributes';
import { defineOp, OpTypeError } from './define';

/** Least and greatest whole number of each integer dtype. */
const LIMITS: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  u8: [0, 255],
  i32: [-(2 ** 31), 2 ** 31 - 1],
  i64: [-(2 ** 63), 2 ** 63],
};

export const cast = defineOp({
  name: 'cast',
  doc:
    'y = x in another dtype. To an integer: truncated towards zero, held at the ends of its range, NaN to 0. To bool: ' +
    'x ≠ 0. To bf16: rounded to nearest, ties to even. Gradient: g cast back; none through ' +
    'integers and bools.',
  inputs: ['x'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true },
  infer: (inputs, attrs) => {
    requireArity(inputs, 1);
    return [{ dtype: dtypeAttr(stringAttr(attrs, 'dtype')), shape: inputAt(inputs, 0, 'input').shape }];
  },
  evaluate: ([x], _attrs, [y]) => [x && y ? x.data.map(conversion(y.dtype)) : new Float64Array()],
  grad: ({ b, node, outputGrads: [g], wants }) => {
    const [x] = node.inputs;
    return [g && x && wants[0] ? b.op('cast', [g], { dtype: x.type.dtype }) : undefined];
  },
  cost: (_inputs, [y]) => ({ flops: elementCount(y?.shape ?? []) }),
  samples: [
    { inputs: [{ dtype: 'f32', shape: [5, 7] }], attrs: { dtype: 'f32' } },
    { inputs: [{ dtype: 'f32', shape: [5, 7] }], attrs: { dtype: 'i32' }, range: [-4, 4], separated: true },
    { inputs: [{ dtype: 'f32', shape: [6] }], attrs: { dtype: 'u8' }, values: { 0: [-3, 0, 0.9, 1.5, 255, 300] } },
    { inputs: [{ dtype: 'f32', shape: [4] }], attrs: { dtype: 'bool' }, values: { 0: [0, -0.5, 2, 1] } },
    { inputs: [{ dtype: 'i32', shape: [] }], attrs: { dtype: 'f32' }, range: [-9, 9] },
    { inputs: [{ dtype: 'u8', shape: [33] }], attrs: { dtype: 'f32' }, range: [0, 255] },
    { inputs: [{ dtype: 'i64', shape: [3, 3] }], attrs: { dtype: 'i32' }, range: [-9, 9] },
    { inputs: [{ dtype: 'bool', shape: [3, 3] }], attrs: { dtype: 'f32' } },
    { inputs: [{ dtype: 'f32', shape: [5, 37] }], attrs: { dtype: 'bf16' }, wrt: [] },
    { inputs: [{ dtype: 'bf16', shape: [5, 37] }], attrs: { dtype: 'f32' }, wrt: [] },
    { inputs: [{ dtype: 'u8', shape: [37] }], attrs: { dtype: 'bf16' }, range: [0, 255] },
  ],
});

function dtypeAttr(word: string): DType {
  const dtype = DTYPES.find((known) => known === word);
  if (!dtype) throw new OpTypeError(`attribute 'dtype' is "${word}", expected one of ${DTYPES.join(', ')}`);
  return dtype;
}

function conversion(to: DType): (x: number) => number {
  if (to === 'bool') return (x) => (x === 0 ? 0 : 1);
  const limits = LIMITS[to];
  if (isFloat(to) || !limits) return (x) => x;
  const [least, most] = limits;
  return (x) => (Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), least), most));
}
