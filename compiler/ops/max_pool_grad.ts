/** The gradient of max pooling: every output gives its gradient to the element that won its window. */
import { elementCount, formatType, tensorType } from '../ir/types';
import { inputAt, integersAttr, requireArity, requireFloat, requireShape } from './attributes';
import { defineOp, OpDataError, OpTypeError, type OpSample } from './define';
import { withBfloat16, withChannelsLast } from './families/images-samples';
import { inEitherLayout } from './families/layout';

const images = { inputs: [0, 1], outputs: [0] };

const SAMPLES: readonly OpSample[] = [
  {
    name: 'windows of two by two',
    inputs: [tensorType('f32', [1, 2, 2, 2]), tensorType('i32', [1, 2, 2, 2])],
    attrs: { input_shape: [1, 2, 4, 4] },
    values: { 1: [0, 7, 13, 10, 5, 2, 12, 15] },
  },
  {
    name: 'one element wins several windows',
    inputs: [tensorType('f32', [2, 1, 2, 2]), tensorType('i32', [2, 1, 2, 2])],
    attrs: { input_shape: [2, 1, 3, 3] },
    values: { 1: [4, 4, 4, 4, 0, 1, 4, 4] },
  },
  {
    name: 'one axis',
    inputs: [tensorType('f32', [1, 2, 3]), tensorType('i32', [1, 2, 3])],
    attrs: { input_shape: [1, 2, 5] },
    values: { 1: [0, 2, 2, 1, 1, 4] },
  },
];

const LAST_SAMPLES: readonly OpSample[] = [
  ...SAMPLES,
  {
    name: 'panels of channels',
    inputs: [tensorType('f32', [2, 35, 2, 3]), tensorType('i32', [2, 35, 2, 3])],
    attrs: { input_shape: [2, 35, 4, 5] },
    values: { 1: Array.from({ length: 420 }, (_, i) => (i * 7) % 20) },
  },
].map((each) => withChannelsLast(each, images));

export const max_pool_grad = defineOp(
  inEitherLayout(images, {
    name: 'max_pool_grad',
    doc:
      'dx[n,c,i] = Σ dy[n,c,o] over the outputs o with index[n,c,o] = i, 0 elsewhere. ' +
      'dy and index (i32) have one shape; dx has shape input_shape.',
    inputs: ['dy', 'index'],
    outputs: ['dx'],
    native: 'kernel',
    traits: { foldable: true },

    infer(inputs, attrs) {
      requireArity(inputs, 2);
      const dy = inputAt(inputs, 0, 'gradient');
      const index = inputAt(inputs, 1, 'index');
      const shape = integersAttr(attrs, 'input_shape', dy.shape.length, 0);
      requireFloat(dy, 'gradient');
      if (index.dtype !== 'i32') throw new OpTypeError(`the index is ${formatType(index)}, expected i32`);
      requireShape(index, dy.shape, 'index');
      if (dy.shape.length < 3 || dy.shape[0] !== shape[0] || dy.shape[1] !== shape[1]) {
        throw new OpTypeError(`the gradient is ${formatType(dy)} for an input of shape [${shape.join(',')}]`);
      }
      return [tensorType(dy.dtype, shape)];
    },

    evaluate(inputs, attrs) {
      const dy = inputAt(inputs, 0, 'gradient');
      const index = inputAt(inputs, 1, 'index');
      const shape = integersAttr(attrs, 'input_shape');
      const inputPlane = elementCount(shape.slice(2));
      const outputPlane = elementCount(dy.type.shape.slice(2));
      const dx = new Float64Array(elementCount(shape));
      dy.data.forEach((value, o) => {
        const i = index.data[o] as number;
        if (!(i >= 0 && i < inputPlane)) throw new OpDataError(`index ${i} is outside a plane of ${inputPlane}`);
        const at = Math.floor(o / outputPlane) * inputPlane + i;
        dx[at] = (dx[at] as number) + value;
      });
      return [dx];
    },

    cost(inputs) {
      return { flops: elementCount(inputAt(inputs, 0, 'gradient').shape) };
    },

    samples: [...SAMPLES, ...LAST_SAMPLES, ...[...SAMPLES, ...LAST_SAMPLES].map((each) => withBfloat16(each, [0]))],
  }),
);
