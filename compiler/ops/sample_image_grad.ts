/** The gradients of images read at any points: to the pixels, and to where the points lie. */
import { elementCount, tensorType } from '../ir/types';
import { inputAt, integersAttr, requireArity, requireFloat } from './attributes';
import { defineOp, type OpSample } from './define';
import {
  forEachPoint,
  mapSample,
  pointSample,
  requireOutputs,
  samplingOf,
  tapsAt,
  type SampleBorder,
} from './families/image_sampling';

export const sample_image_grad = defineOp({
  name: 'sample_image_grad',
  doc: 'dx[n,c,h,w] = Σ dy[n,c,i,j] · the share of pixel (h, w) at point (i, j), as in sample_image; input_shape is that of x.',
  inputs: ['dy', 'points'],
  outputs: ['dx'],
  native: 'kernel',
  traits: { foldable: true },

  infer(inputs, attrs) {
    requireArity(inputs, 2);
    const dy = inputAt(inputs, 0, 'gradient');
    const x = tensorType(dy.dtype, integersAttr(attrs, 'input_shape', 4, 0));
    requireOutputs(dy, samplingOf(x, inputAt(inputs, 1, 'points'), attrs), 'the gradient');
    return [x];
  },

  evaluate(inputs, attrs, outputs) {
    const [dy, points] = [inputAt(inputs, 0, 'gradient'), inputAt(inputs, 1, 'points')];
    const type = inputAt(outputs, 0, 'output');
    const sampling = samplingOf(type, points.type, attrs);
    const { channels } = sampling;
    const [to, from] = [sampling.height * sampling.width, sampling.rows * sampling.columns];
    const dx = new Float64Array(elementCount(type.shape));
    forEachPoint(points, sampling, (image, point, px, py) => {
      for (const { pixel, weight } of tapsAt(sampling, px, py)) {
        if (pixel === undefined || weight === 0) continue;
        for (let c = 0; c < channels; c++) {
          const plane = image * channels + c;
          const at = plane * to + pixel;
          dx[at] = (dx[at] as number) + weight * (dy.data[plane * from + (point % from)] as number);
        }
      }
    });
    return [dx];
  },

  cost: ([dy]) => ({ flops: 12 * elementCount(dy?.shape ?? []) }),

  samples: [
    gradSample('constant', 'bilinear', 'constant', 2),
    gradSample('symmetric', 'bilinear', 'symmetric', 19),
    gradSample('nearest', 'nearest', 'wrap', 1),
  ],
});

export const sample_image_slope = defineOp({
  name: 'sample_image_slope',
  doc: 'dpoints[n,i,j] = Σ over channels of dy[n,c,i,j] · (∂y/∂px, ∂y/∂py), [N,height,width,2], of sample_image with method bilinear.',
  inputs: ['dy', 'x', 'points'],
  outputs: ['dpoints'],
  native: 'kernel',
  traits: { foldable: true },

  infer(inputs, attrs) {
    requireArity(inputs, 3);
    const x = inputAt(inputs, 1, 'input');
    requireFloat(x, 'input');
    const sampling = samplingOf(x, inputAt(inputs, 2, 'points'), attrs);
    requireOutputs(inputAt(inputs, 0, 'gradient'), sampling, 'the gradient');
    return [tensorType(x.dtype, [sampling.batch, sampling.rows, sampling.columns, 2])];
  },

  evaluate(inputs, attrs, outputs) {
    const [dy, x, points] = [inputAt(inputs, 0, 'gradient'), inputAt(inputs, 1, 'input'), inputAt(inputs, 2, 'points')];
    const sampling = samplingOf(x.type, points.type, attrs);
    const { channels, value } = sampling;
    const [from, plane] = [sampling.height * sampling.width, sampling.rows * sampling.columns];
    const slopes = new Float64Array(elementCount(inputAt(outputs, 0, 'output').shape));
    forEachPoint(points, sampling, (image, point, px, py) => {
      const taps = tapsAt(sampling, px, py);
      for (let c = 0; c < channels; c++) {
        const of = image * channels + c;
        const g = dy.data[of * plane + (point % plane)] as number;
        for (const { pixel, dx, dy: down } of taps) {
          const pixelValue = pixel === undefined ? value : (x.data[of * from + pixel] as number);
          slopes[2 * point] = (slopes[2 * point] as number) + g * dx * pixelValue;
          slopes[2 * point + 1] = (slopes[2 * point + 1] as number) + g * down * pixelValue;
        }
      }
    });
    return [slopes];
  },

  cost: ([dy]) => ({ flops: 16 * elementCount(dy?.shape ?? []) }),

  samples: [
    slopeSample(mapSample('maps', { method: 'bilinear', border: 'constant', value: 0.5 }, 3)),
    slopeSample(mapSample('maps, reflect', { method: 'bilinear', border: 'reflect' }, 17)),
    slopeSample(pointSample('points', { method: 'bilinear', border: 'edge' })),
  ],
});

function gradSample(name: string, method: string, border: SampleBorder, channels: number): OpSample {
  const { inputs, attrs, values } = mapSample(name, { method, border }, channels);
  const [x, points] = inputs;
  if (!x || !points || !attrs || !values) return { name, inputs };
  const dy = tensorType('f32', [x.shape[0] ?? 1, channels, 4, 5]);
  return { name, inputs: [dy, points], attrs: { ...attrs, input_shape: x.shape }, values, wrt: [] };
}

function slopeSample({ name, inputs, attrs, values }: OpSample): OpSample {
  const [x, points] = inputs;
  if (!x || !points || !attrs || !values?.[1]) return { inputs };
  const [n = 1, c = 1] = x.shape;
  const dy = tensorType('f32', [n, c, Number(attrs['height']), Number(attrs['width'])]);
  return { ...(name === undefined ? {} : { name }), inputs: [dy, x, points], attrs, values: { 2: values[1] }, wrt: [] };
}
