/** The gradient of batch normalization with what is done to each element of dy before: made by a pass, never by a layer. */
import { elementCount, tensorType } from '../ir/types';
import { inputAt } from './attributes';
import { batch_norm_grad } from './batch_norm_grad';
import { defineOp, type OpSample } from './define';
import { withBfloat16, withChannelsLast } from './families/images-samples';
import { fused_elementwise } from './fused_elementwise';

const IMAGES = tensorType('f32', [3, 4, 5, 7]);
const CHANNELS = tensorType('f32', [4]);
const RANGES: readonly (readonly [number, number])[] = [
  [-1, 1],
  [0.5, 1.5],
  [-0.5, 0.5],
  [0.25, 1],
  [-1, 1],
  [-1, 1],
];

/** The inputs of the samples that are. */
const images = { inputs: [0, 4, 5] };

const SAMPLES: readonly OpSample[] = [
  {
    name: 'rectified',
    inputs: [IMAGES, CHANNELS, CHANNELS, CHANNELS, IMAGES, IMAGES],
    attrs: { epsilon: 1e-5, program: 'a = greater(%1, 0); b = where(a, %0, 0); yield b' },
    range: RANGES,
  },
  {
    name: 'a sum of gradients, which others read too',
    inputs: [IMAGES, CHANNELS, CHANNELS, CHANNELS, IMAGES, IMAGES],
    attrs: { epsilon: 1e-3, program: 'a = add(%0, %1); yield a, a' },
    range: RANGES,
  },
  {
    name: 'large planes',
    inputs: [
      tensorType('f32', [2, 2, 70, 67]),
      ...[0, 1, 2].map(() => tensorType('f32', [2])),
      tensorType('f32', [2, 2, 70, 67]),
      tensorType('f32', []),
    ],
    attrs: { epsilon: 1e-5, program: 'a = mul(%0, %1); b = square(%0); yield a, b' },
    range: RANGES,
  },
];

const ROWS: OpSample = {
  name: 'rows, rectified',
  inputs: [
    tensorType('f32', [9, 35]),
    ...[0, 1, 2].map(() => tensorType('f32', [35])),
    ...[0, 1].map(() => tensorType('f32', [9, 35])),
  ],
  attrs: { epsilon: 1e-5, program: 'a = greater(%1, 0); b = where(a, %0, 0); yield b' },
  range: RANGES,
};

/** The programs of the samples, with gradients that are stored as bfloat16. */
const ROUNDED = [
  'a = greater(%1, 0); b = where(a, %0, 0); c = bf16(b); yield c',
  'a = add(%0, %1); b = bf16(a); yield b, a',
  'a = mul(%0, %1); b = square(%0); c = bf16(a); yield c, b',
];

const LAST_SAMPLES = SAMPLES.map((each) => withChannelsLast(each, images));

const BF16_SAMPLES = LAST_SAMPLES.map((each, i) => ({
  ...withBfloat16(each, images.inputs),
  attrs: { ...each.attrs, program: ROUNDED[i]! },
}));

export const fused_batch_norm_grad = defineOp({
  name: 'fused_batch_norm_grad',
  doc:
    'batch_norm_grad(dy, x, gamma, mean, variance), with dy the first value that `program` (see fused_elementwise) ' +
    'yields for the inputs behind variance, %0 …, of the shape of x or single numbers. What else it yields follows dbeta.',
  inputs: ['x', 'gamma', 'mean', 'variance', 'e*'],
  outputs: ['dx', 'dgamma', 'dbeta', 'y*'],
  native: 'kernel',
  // The kernel reads an element of each before it writes it, but x again when all of dy is known.
  traits: { foldable: true, inPlace: [4, 5, 6, 7].flatMap((input) => [0, 3, 4].map((y) => [input, y] as const)) },

  infer(inputs, attrs) {
    const [dy, ...made] = fused_elementwise.infer(inputs.slice(4), attrs);
    return [...batch_norm_grad.infer([dy!, ...inputs.slice(0, 4)], attrs), ...made];
  },

  evaluate(inputs, attrs) {
    const { type } = inputAt(inputs, 0, 'input');
    const [data, ...made] = fused_elementwise.evaluate(inputs.slice(4), attrs, [type]);
    return [...batch_norm_grad.evaluate([{ type, data: data! }, ...inputs.slice(0, 4)], attrs, [type]), ...made];
  },

  cost(inputs) {
    return { flops: 12 * elementCount(inputAt(inputs, 0, 'input').shape) };
  },

  samples: [...SAMPLES, ROWS, ...LAST_SAMPLES, ...BF16_SAMPLES],
});
