/** A product with what is done to each of its elements afterwards: made by a pass, never by a layer. */
import { tensorType } from '../ir/types';
import { inputAt } from './attributes';
import { defineOp, OpTypeError, type OpSample } from './define';
import { fused_elementwise } from './fused_elementwise';
import { matmul } from './matmul';

/** What it multiplies: the form of the gradient of a dense layer's weights. */
const FLAGS = { transpose_a: true, transpose_b: false };

/**
 * Products in a sum at most: such sums have the same bits here as in `matmul` (kUncutDepth in
 * runtime-native/src/cpu/gemm_tile.h), and longer ones are worth the blocks and the packing that matmul's kernel knows.
 */
export const MOST_DEPTH = 64;

/** Inputs and outputs of a group that are told apart when one is to lie on the other. */
const MOST_PLACES = 16;
const places = Array.from({ length: MOST_PLACES }, (_, i) => i);

const SAMPLES: readonly OpSample[] = [
  {
    name: 'a step down the gradient',
    inputs: [tensorType('f32', [1, 7]), tensorType('f32', [1, 33]), tensorType('f32', [7, 33])],
    attrs: { program: 'a = mul(%0, 0.1); b = sub(%1, a); yield b' },
  },
  {
    name: 'momentum',
    inputs: [
      tensorType('f32', [8, 13]),
      tensorType('f32', [8, 84]),
      tensorType('f32', [13, 84]),
      tensorType('f32', [13, 84]),
      tensorType('f32', []),
    ],
    attrs: { program: 'a = mul(%1, 0.9); b = add(a, %0); c = mul(b, %3); d = sub(%2, c); yield b, d' },
  },
  {
    name: 'rows longer than a block, and the product itself',
    inputs: [tensorType('f32', [3, 4]), tensorType('f32', [3, 2055])],
    attrs: { program: 'a = relu(%0); yield a, %0' },
  },
];

export const fused_matmul = defineOp({
  name: 'fused_matmul',
  doc:
    'The product of a [K, M], transposed, and b [K, N], then `program` (see fused_elementwise) for every element: %0 is ' +
    'the product, %1 … are the inputs behind b, of shape [M, N] or single numbers. Exists only after fusion.',
  inputs: ['a', 'b', 'e*'],
  outputs: ['y*'],
  native: 'kernel',
  // The kernel reads an element of each before it writes it.
  traits: { foldable: true, inPlace: places.flatMap((e) => places.map((y) => [e + 2, y] as const)) },

  infer(inputs, attrs) {
    const [product] = matmul.infer(inputs.slice(0, 2), FLAGS);
    if (product?.dtype !== 'f32' || product.shape.length !== 2) throw new OpTypeError('takes f32 matrices');
    if ((inputs[0]?.shape[0] ?? 0) > MOST_DEPTH) throw new OpTypeError(`takes matrices of at most ${MOST_DEPTH} rows`);
    return fused_elementwise.infer([product, ...inputs.slice(2)], attrs);
  },

  evaluate(inputs, attrs, outputs) {
    const [m = 0, n = 0] = [0, 1].map((side) => inputAt(inputs, side, 'matrix').type.shape[1]);
    const type = tensorType('f32', [m, n]);
    const [data] = matmul.evaluate(inputs.slice(0, 2), FLAGS, [type]);
    return fused_elementwise.evaluate([{ type, data: data! }, ...inputs.slice(2)], attrs, outputs);
  },

  cost(inputs, outputs, attrs) {
    const product = outputs.slice(0, 1);
    const { flops } = matmul.cost(inputs.slice(0, 2), product, FLAGS);
    return { flops: flops + fused_elementwise.cost(inputs, product, attrs).flops };
  },

  samples: SAMPLES.map((each) => ({ ...each, wrt: [] })),
});
