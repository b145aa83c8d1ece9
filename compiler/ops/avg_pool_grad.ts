/** The gradient of average pooling. */
import { elementCount, tensorType } from '../ir/types';
import { inputAt, integersAttr, requireArity, requireShape } from './attributes';
import { defineOp, type OpSample } from './define';
import { AVERAGING_SAMPLES, averagingOf, averagingWindow, MANY_CHANNELS, type PoolSample } from './families/averaging';
import { withBfloat16, withChannelsLast } from './families/images-samples';
import { inEitherLayout } from './families/layout';
import { outputOf, spatialOf } from './families/spatial';

const images = { inputs: [0], outputs: [0] };

function sampleOf({ name, x, y, attrs }: PoolSample): OpSample {
  return { name, inputs: [tensorType('f32', y)], attrs: { ...attrs, input_shape: x } };
}

const SAMPLES = AVERAGING_SAMPLES.map(sampleOf);
const LAST_SAMPLES = [...SAMPLES, sampleOf(MANY_CHANNELS)].map((each) => withChannelsLast(each, images));

export const avg_pool_grad = defineOp(
  inEitherLayout(images, {
    name: 'avg_pool_grad',
    doc:
      'dx[n,c,i] = Σ dy[n,c,o] / d[o] over the windows o that hold i, with d as in avg_pool of the same attributes. ' +
      'dx has shape input_shape.',
    inputs: ['dy'],
    outputs: ['dx'],
    native: 'kernel',
    traits: { foldable: true },

    infer(inputs, attrs) {
      requireArity(inputs, 1);
      const dy = inputAt(inputs, 0, 'gradient');
      const dx = tensorType(dy.dtype, integersAttr(attrs, 'input_shape', dy.shape.length, 0));
      const window = averagingWindow(spatialOf(dx, 'input'), attrs);
      requireShape(dy, [...dx.shape.slice(0, 2), ...outputOf(window)], 'gradient');
      return [dx];
    },

    evaluate(inputs, attrs) {
      const dy = inputAt(inputs, 0, 'gradient');
      const shape = integersAttr(attrs, 'input_shape');
      const spatial = shape.slice(2);
      const { taps, divisors } = averagingOf(spatial, attrs);
      const inputPlane = elementCount(spatial);
      const dx = new Float64Array(elementCount(shape));
      for (let plane = 0; plane * divisors.length < dy.data.length; plane++) {
        for (let t = 0; t < taps.length; t++) {
          const o = taps.output[t] as number;
          const i = plane * inputPlane + (taps.input[t] as number);
          dx[i] = (dx[i] as number) + (dy.data[plane * divisors.length + o] as number) / (divisors[o] as number);
        }
      }
      return [dx];
    },

    // Linear: the gradient of dx is pooled.
    grad({ b, node, outputGrads }) {
      const [g] = outputGrads;
      if (!g) return [];
      const attrs = Object.fromEntries(Object.entries(node.attrs).filter(([name]) => name !== 'input_shape'));
      return [b.op('avg_pool', [g], attrs)];
    },

    cost(inputs, _outputs, attrs) {
      const kernel = elementCount(integersAttr(attrs, 'kernel'));
      return { flops: elementCount(inputAt(inputs, 0, 'gradient').shape) * (kernel + 1) };
    },

    samples: [...SAMPLES, ...LAST_SAMPLES, ...[...SAMPLES, ...LAST_SAMPLES].map((each) => withBfloat16(each, [0]))],
  }),
);
