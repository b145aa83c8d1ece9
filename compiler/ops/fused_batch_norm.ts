/** Batch normalization with what is done to each element afterwards: made by a pass, never by a layer. */
import { elementCount, tensorType } from '../ir/types';
import { inputAt } from './attributes';
import { batch_norm_train } from './batch_norm_train';
import { defineOp, type OpSample } from './define';
import { withBfloat16, withChannelsLast } from './families/images-samples';
import { fused_elementwise } from './fused_elementwise';

const IMAGES = tensorType('f32', [3, 4, 5, 7]);
const CHANNELS = tensorType('f32', [4]);
const RANGES: readonly (readonly [number, number])[] = [
  [-1, 2],
  [0.5, 1.5],
  [-1, 1],
  [-1, 1],
];

/** The inputs of the samples that are. */
const images = { inputs: [0, 3] };

const SAMPLES: readonly OpSample[] = [
  {
    name: 'rectified',
    inputs: [IMAGES, CHANNELS, CHANNELS],
    attrs: { epsilon: 1e-5, program: 'a = relu(%0); yield a' },
    range: RANGES,
  },
  {
    name: 'a sum, rectified, and the sum',
    inputs: [IMAGES, CHANNELS, CHANNELS, IMAGES],
    attrs: { epsilon: 1e-3, program: 'a = add(%0, %1); b = relu(a); yield b, a' },
    range: RANGES,
  },
  {
    name: 'large planes, a number',
    inputs: [tensorType('f32', [2, 2, 70, 67]), tensorType('f32', [2]), tensorType('f32', [2]), tensorType('f32', [])],
    attrs: { epsilon: 1e-5, program: 'a = mul(%0, %1); b = minimum(a, 0.5); yield b' },
    range: RANGES,
  },
];

const ROWS: OpSample = {
  name: 'rows, a sum, rectified',
  inputs: [tensorType('f32', [9, 35]), ...[0, 1].map(() => tensorType('f32', [35])), tensorType('f32', [9, 35])],
  attrs: { epsilon: 1e-5, program: 'a = add(%0, %1); b = relu(a); yield b, a' },
  range: RANGES,
};

/** The programs of the samples, with results that are stored as bfloat16. */
const ROUNDED = [
  'a = relu(%0); b = bf16(a); yield b',
  'a = add(%0, %1); b = relu(a); c = bf16(b); yield c, a',
  'a = mul(%0, %1); b = minimum(a, 0.5); c = bf16(b); yield b, c',
];

const LAST_SAMPLES = SAMPLES.map((each) => withChannelsLast(each, images));

/** Some of what comes and goes is stored so, and some is not. */
const BF16_SAMPLES = LAST_SAMPLES.map((each, i) => ({
  ...withBfloat16(each, i === 1 ? [0] : images.inputs),
  attrs: { ...each.attrs, program: ROUNDED[i]! },
}));

export const fused_batch_norm = defineOp({
  name: 'fused_batch_norm',
  doc:
    'batch_norm_train(x, gamma, beta), whose mean and variance come first, then `program` (see fused_elementwise) for ' +
    'every element: %0 is the normalized value, %1 … are the inputs behind beta, of the shape of x or single numbers.',
  inputs: ['x', 'gamma', 'beta', 'e*'],
  outputs: ['mean', 'variance', 'y*'],
  native: 'kernel',
  // The kernel reads an element of each before it writes it.
  traits: { foldable: true, inPlace: [3, 4, 5, 6].flatMap((input) => [2, 3, 4].map((y) => [input, y] as const)) },

  infer(inputs, attrs) {
    const [y, mean, variance] = batch_norm_train.infer(inputs.slice(0, 3), attrs);
    const made = fused_elementwise.infer([y!, ...inputs.slice(3)], attrs);
    return [mean!, variance!, ...made];
  },

  evaluate(inputs, attrs, outputs) {
    const { type } = inputAt(inputs, 0, 'input');
    const [data, mean, variance] = batch_norm_train.evaluate(inputs.slice(0, 3), attrs, [type]);
    const made = fused_elementwise.evaluate([{ type, data: data! }, ...inputs.slice(3)], attrs, outputs.slice(2));
    return [mean!, variance!, ...made];
  },

  cost(inputs) {
    return { flops: 8 * elementCount(inputAt(inputs, 0, 'input').shape) };
  },

  samples: [...SAMPLES, ROWS, ...LAST_SAMPLES, ...BF16_SAMPLES],
});
