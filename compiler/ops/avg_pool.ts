/** Average pooling. */
import { elementCount, tensorType } from '../ir/types';
import { inputAt, integersAttr, requireArity } from './attributes';
import { defineOp, type OpSample } from './define';
import { AVERAGING_SAMPLES, averagingOf, averagingWindow, MANY_CHANNELS, type PoolSample } from './families/averaging';
import { withBfloat16, withChannelsLast } from './families/images-samples';
import { inEitherLayout } from './families/layout';
import { outputOf, requireCountable, spatialOf } from './families/spatial';

const images = { inputs: [0], outputs: [0] };

function sampleOf({ name, x, attrs }: PoolSample): OpSample {
  return { name, inputs: [tensorType('f32', x)], attrs };
}

const SAMPLES = AVERAGING_SAMPLES.map(sampleOf);
const LAST_SAMPLES = [...SAMPLES, sampleOf(MANY_CHANNELS)].map((each) => withChannelsLast(each, images));

export const avg_pool = defineOp(
  inEitherLayout(images, {
    name: 'avg_pool',
    doc:
      'y[n,c,o] = Σ x[n,c,i] / d[o] over the window of o (as for max_pool). d[o] counts the elements of the window that lie ' +
      'in the input, or, with count_include_pad, in the padded input less overhang: overhang is the part of padding_high ' +
      "that exists only for ceil mode. PyTorch's definition, and Caffe's with count_include_pad. With divisor, d[o] is that number.",
    inputs: ['x'],
    outputs: ['y'],
    native: 'kernel',
    traits: { foldable: true },

    infer(inputs, attrs) {
      requireArity(inputs, 1);
      const x = inputAt(inputs, 0, 'input');
      const window = averagingWindow(spatialOf(x, 'input'), attrs);
      return [tensorType(x.dtype, requireCountable([...x.shape.slice(0, 2), ...outputOf(window)], 'output'))];
    },

    evaluate(inputs, attrs, outputs) {
      const x = inputAt(inputs, 0, 'input');
      const spatial = x.type.shape.slice(2);
      const { taps, divisors } = averagingOf(spatial, attrs);
      const inputPlane = elementCount(spatial);
      const y = new Float64Array(elementCount(inputAt(outputs, 0, 'output').shape));
      for (let plane = 0; plane * divisors.length < y.length; plane++) {
        for (let t = 0; t < taps.length; t++) {
          const o = plane * divisors.length + (taps.output[t] as number);
          y[o] = (y[o] as number) + (x.data[plane * inputPlane + (taps.input[t] as number)] as number);
        }
      }
      return [y.map((sum, o) => sum / (divisors[o % divisors.length] as number))];
    },

    grad({ b, node, outputGrads }) {
      const [x] = node.inputs;
      const [dy] = outputGrads;
      if (!x || !dy) return [];
      return [b.op('avg_pool_grad', [dy], { ...node.attrs, input_shape: x.type.shape })];
    },

    cost(_inputs, outputs, attrs) {
      const kernel = elementCount(integersAttr(attrs, 'kernel'));
      return { flops: elementCount(inputAt(outputs, 0, 'output').shape) * (kernel + 1) };
    },

    samples: [...SAMPLES, ...LAST_SAMPLES, ...[...SAMPLES, ...LAST_SAMPLES].map((each) => withBfloat16(each, [0]))],
  }),
);
