/** The right side of a matrix product in the order in which its kernel reads it: made by a pass, never by a layer. */
import type { Attrs } from '../ir/graph';
import { elementCount, formatType, tensorType, type DType, type TensorType } from '../ir/types';
import { inputAt, requireArity } from './attributes';
import { defineOp, OpTypeError, type OpSample } from './define';
import { packedElements } from './families/packed-matrix';

export const pack_matmul_weights = defineOp({
  name: 'pack_matmul_weights',
  doc:
    'The matrix [K,N], or [N,K] with transpose_b, for a `matmul` with the same transpose_b whose `weight_shape` says that ' +
    'it takes it so. With `dtype` bf16 it is rounded, for products of bfloat16. The order is the kernel’s own; here, the ' +
    'one it comes in, with zeros behind.',
  inputs: ['w'],
  outputs: ['packed'],
  native: 'kernel',
  traits: {},

  infer(inputs, attrs) {
    requireArity(inputs, 1);
    const w = inputAt(inputs, 0, 'weight');
    if (w.shape.length !== 2) throw new OpTypeError(`the weight is ${formatType(w)}, expected a matrix`);
    const dtype = packedDType(w, attrs);
    return [tensorType(dtype, [packedElements(w, dtype, attrs)])];
  },

  evaluate([w], attrs) {
    if (!w) return [];
    const packed = new Float64Array(packedElements(w.type, packedDType(w.type, attrs), attrs));
    packed.set(w.data);
    return [packed];
  },

  cost(inputs) {
    return { flops: elementCount(inputAt(inputs, 0, 'weight').shape) };
  },

  // What it gives is compared through the products that read it.
  samples: [
    sample('f32', [5, 9], [9, 33], false),
    sample('f32', [2, 3, 17], [70, 17], true),
    sample('f32', [1, 2051], [2051, 7], false),
    sample('bf16', [5, 9], [9, 33], false),
    sample('bf16', [2, 3, 17], [70, 17], true),
    sample('bf16', [1, 2051], [2051, 7], false),
  ],
});

/** What the operands of the products are in: float32 may be rounded. */
function packedDType(w: TensorType, attrs: Attrs): DType {
  const dtype = attrs['dtype'] ?? w.dtype;
  if (dtype === w.dtype && (dtype === 'f32' || dtype === 'bf16')) return dtype;
  if (dtype === 'bf16' && w.dtype === 'f32') return dtype;
  throw new OpTypeError(`attribute 'dtype' is ${JSON.stringify(dtype)} for a weight of ${formatType(w)}`);
}

function sample(dtype: DType, x: readonly number[], w: readonly number[], transposed: boolean): OpSample {
  return {
    name: `${dtype} ${x.join('×')} by ${w.join('×')}`,
    inputs: [tensorType(dtype, x), tensorType('f32', w)],
    attrs: {},
    wrt: [],
    build: (b, [left, weight]) => {
      const packed = b.op('pack_matmul_weights', [weight!], { transpose_b: transposed, dtype });
      return [b.op('matmul', [left!, packed], { transpose_a: false, transpose_b: transposed, weight_shape: w })];
    },
  };
}
