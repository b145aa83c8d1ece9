/** The gradient of batch normalization through the normalized values, from the saved statistics. */
import { elementCount, tensorType } from '../ir/types';
import { inputAt, numberAttr, requireArity, requireFloat, requireSameDtype, requireShape } from './attributes';
import type { OpSample } from './define';
import { defineOp } from './define';
import { forEachLine, viewAround } from './families/channels';
import { withBfloat16, withChannelsLast } from './families/images-samples';
import { inEitherLayout } from './families/layout';
import { parameterDType, requireChannelsTogether, requireParameters } from './families/storage';

function sample(name: string, shape: readonly number[], epsilon = 1e-5): OpSample {
  const image = tensorType('f32', shape);
  const channels = tensorType('f32', shape.slice(1, 2));
  return {
    name,
    inputs: [image, image, channels, channels, channels],
    attrs: { epsilon },
    range: [
      [-1, 1],
      [-1, 1],
      [0.5, 1.5],
      [-0.5, 0.5],
      [0.25, 1],
    ],
  };
}

const images = { inputs: [0, 1], outputs: [0] };

const ROWS = sample('rows', [9, 5]);
const IMAGES: readonly OpSample[] = [
  sample('images', [3, 4, 5, 3]),
  sample('one channel', [2, 1, 3, 3]),
  sample('one image', [1, 3, 4, 4]),
  sample('sequences, large epsilon', [2, 3, 7], 1e-2),
  sample('many channels', [4, 33, 2, 2], 1e-3),
];
const SAMPLES = [ROWS, ...IMAGES];
const LAST_SAMPLES = [
  ...IMAGES,
  sample('panels of channels', [2, 35, 7, 5]),
  sample('blocks of rows', [3, 17, 31, 33]),
].map((each) => withChannelsLast(each, images));

export const batch_norm_grad = defineOp(
  inEitherLayout(images, {
    name: 'batch_norm_grad',
    doc:
      'With r = 1/√(variance + epsilon), h = (x − mean)·r and M elements a channel: dbeta = Σ dy, dgamma = Σ dy·h, ' +
      'dx = gamma·r·(dy − dbeta/M − h·dgamma/M). dy and x [N,C,…], the rest [C].',
    inputs: ['dy', 'x', 'gamma', 'mean', 'variance'],
    outputs: ['dx', 'dgamma', 'dbeta'],
    native: 'kernel',
    traits: { foldable: true },

    infer(inputs, attrs) {
      requireArity(inputs, 5);
      const dy = inputAt(inputs, 0, 'gradient');
      const x = inputAt(inputs, 1, 'input');
      requireSameDtype([dy, x], ['gradient', 'input']);
      requireParameters([x, ...inputs.slice(2)], ['input', 'gamma', 'mean', 'variance']);
      requireFloat(x, 'input');
      requireChannelsTogether(x, 'input', attrs);
      requireShape(dy, x.shape, 'gradient');
      const channels = x.shape.slice(1, 2);
      for (const [position, name] of ['gamma', 'mean', 'variance'].entries()) {
        requireShape(inputAt(inputs, position + 2, name), channels, name);
      }
      numberAttr(attrs, 'epsilon');
      const parameter = tensorType(parameterDType(x.dtype), channels);
      return [x, parameter, parameter];
    },

    evaluate(inputs, attrs) {
      const dy = inputAt(inputs, 0, 'gradient').data;
      const x = inputAt(inputs, 1, 'input');
      const gamma = inputAt(inputs, 2, 'gamma').data;
      const mean = inputAt(inputs, 3, 'mean').data;
      const variance = inputAt(inputs, 4, 'variance').data;
      const epsilon = numberAttr(attrs, 'epsilon');
      const view = viewAround(x.type.shape, 1);
      const count = view.outer * view.inner;
      const dx = new Float64Array(x.data.length);
      const dgamma = new Float64Array(view.extent);
      const dbeta = new Float64Array(view.extent);
      for (let c = 0; c < view.extent; c++) {
        const r = 1 / Math.sqrt((variance[c] as number) + epsilon);
        const normalized = (at: number) => ((x.data[at] as number) - (mean[c] as number)) * r;
        let sum = 0;
        let product = 0;
        forEachLine(view, (start, step) => {
          const at = start + c * step;
          sum += dy[at] as number;
          product += (dy[at] as number) * normalized(at);
        });
        forEachLine(view, (start, step) => {
          const at = start + c * step;
          dx[at] = (gamma[c] as number) * r * ((dy[at] as number) - sum / count - (normalized(at) * product) / count);
        });
        dgamma[c] = product;
        dbeta[c] = sum;
      }
      return [dx, dgamma, dbeta];
    },

    cost(inputs) {
      return { flops: 11 * elementCount(inputAt(inputs, 1, 'input').shape) };
    },

    samples: [...SAMPLES, ...LAST_SAMPLES, ...[ROWS, ...LAST_SAMPLES].map((each) => withBfloat16(each, images.inputs))],
  }),
);
