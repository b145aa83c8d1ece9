/** Max pooling. Its second output says where each maximum stood, so that the gradient needs neither input nor output. */
import { elementCount, formatType, tensorType } from '../ir/types';
import { inputAt, integersAttr, requireArity } from './attributes';
import type { OpSample } from './define';
import { defineOp, OpTypeError } from './define';
import { withBfloat16, withChannelsLast } from './families/images-samples';
import { inEitherLayout } from './families/layout';
import { outputOf, poolWindow, requireCountable, spatialOf, tapsOf } from './families/spatial';

/** The index is a 32-bit integer. */
const MAX_PLANE = 2 ** 31 - 1;

function sample(name: string, shape: readonly number[], attrs: OpSample['attrs']): OpSample {
  return { name, inputs: [tensorType('f32', shape)], separated: true, ...(attrs && { attrs }) };
}

const images = { inputs: [0], outputs: [0, 1] };

const SAMPLES: readonly OpSample[] = [
  sample('two by two', [2, 3, 6, 4], { kernel: [2, 2], stride: [2, 2], padding_low: [0, 0], padding_high: [0, 0] }),
  sample('overlapping, odd sizes', [2, 2, 7, 9], {
    kernel: [3, 3],
    stride: [2, 2],
    padding_low: [0, 0],
    padding_high: [0, 0],
  }),
  sample('padded', [1, 3, 7, 7], { kernel: [3, 3], stride: [2, 2], padding_low: [1, 1], padding_high: [1, 1] }),
  sample('ceil mode hangs over', [2, 2, 6, 6], {
    kernel: [3, 3],
    stride: [2, 2],
    padding_low: [0, 0],
    padding_high: [1, 1],
  }),
  sample('stride beyond the kernel', [1, 2, 8, 7], {
    kernel: [2, 2],
    stride: [3, 3],
    padding_low: [0, 0],
    padding_high: [0, 1],
  }),
  sample('one axis wide, padded on one side', [1, 2, 5, 6], {
    kernel: [1, 4],
    stride: [1, 2],
    padding_low: [0, 3],
    padding_high: [0, 0],
  }),
  sample('the whole plane', [2, 5, 4, 3], {
    kernel: [4, 3],
    stride: [1, 1],
    padding_low: [0, 0],
    padding_high: [0, 0],
  }),
  sample('stride one', [1, 1, 5, 5], { kernel: [3, 3], stride: [1, 1], padding_low: [1, 1], padding_high: [1, 1] }),
  sample('one axis', [2, 3, 11], { kernel: [3], stride: [2], padding_low: [1], padding_high: [0] }),
  sample('three axes', [1, 2, 4, 5, 4], {
    kernel: [2, 2, 2],
    stride: [2, 1, 2],
    padding_low: [0, 1, 0],
    padding_high: [0, 0, 0],
  }),
];

const LAST_SAMPLES: readonly OpSample[] = [
  ...SAMPLES,
  sample('panels of channels', [2, 35, 7, 6], {
    kernel: [3, 3],
    stride: [2, 2],
    padding_low: [1, 1],
    padding_high: [1, 1],
  }),
].map((each) => withChannelsLast(each, images));

export const max_pool = defineOp(
  inEitherLayout(images, {
    name: 'max_pool',
    doc:
      'y[n,c,o] = max of x[n,c,i] over the window of o, i = o·stride − padding_low + r on each of one to three spatial axes. ' +
      'Padding never wins; a NaN does. index (i32) is the flat position in the input plane (h·W + w) of the first maximum. ' +
      'Extents as for conv; ceil mode is a larger padding_high. Every window must hold at least one element.',
    inputs: ['x'],
    outputs: ['y', 'index'],
    native: 'kernel',
    traits: { foldable: true },

    infer(inputs, attrs) {
      requireArity(inputs, 1);
      const x = inputAt(inputs, 0, 'input');
      const spatial = spatialOf(x, 'input');
      if (elementCount(spatial) > MAX_PLANE) {
        throw new OpTypeError(
          `the input is ${formatType(x)}: a plane of more than ${MAX_PLANE} elements cannot be indexed`,
        );
      }
      const shape = [...x.shape.slice(0, 2), ...outputOf(poolWindow(spatial, attrs))];
      return [tensorType(x.dtype, requireCountable(shape, 'output')), tensorType('i32', shape)];
    },

    evaluate(inputs, attrs, outputs) {
      const x = inputAt(inputs, 0, 'input');
      const { shape } = inputAt(outputs, 0, 'output');
      const spatial = x.type.shape.slice(2);
      const taps = tapsOf(poolWindow(spatial, attrs));
      const inputPlane = elementCount(spatial);
      const outputPlane = elementCount(shape.slice(2));
      const y = new Float64Array(elementCount(shape));
      const index = new Float64Array(y.length).fill(-1);
      for (let plane = 0; plane * outputPlane < y.length; plane++) {
        for (let t = 0; t < taps.length; t++) {
          const o = plane * outputPlane + (taps.output[t] as number);
          const i = taps.input[t] as number;
          const value = x.data[plane * inputPlane + i] as number;
          const best = y[o] as number;
          if (index[o] === -1 || value > best || (Number.isNaN(value) && !Number.isNaN(best))) {
            y[o] = value;
            index[o] = i;
          }
        }
      }
      return [y, index];
    },

    grad({ b, node, outputGrads }) {
      const [x] = node.inputs;
      const index = node.outputs[1];
      const [dy] = outputGrads;
      if (!x || !index || !dy) return [];
      return [b.op('max_pool_grad', [dy, index], { input_shape: x.type.shape })];
    },

    cost(_inputs, outputs, attrs) {
      const kernel = elementCount(integersAttr(attrs, 'kernel'));
      return { flops: elementCount(inputAt(outputs, 0, 'output').shape) * kernel };
    },

    samples: [
      ...SAMPLES,
      ...LAST_SAMPLES,
      ...[...SAMPLES, ...LAST_SAMPLES].map((each) => withBfloat16(each, images.inputs)),
    ],
  }),
);
