/** Images read at any points: turned, moved, sheared, scaled, cut out, warped. */
import { elementCount, tensorType } from '../ir/types';
import type { Value } from '../ir/graph';
import { inputAt, integerAttr, requireArity } from './attributes';
import { defineOp, type GradContext } from './define';
import { BORDERS, forEachPoint, mapSample, pointSample, samplingOf, tapsAt } from './families/image_sampling';

export const sample_image = defineOp({
  name: 'sample_image',
  doc:
    'y[n,c,i,j] = the image x[n,c] at the point (px, py), in pixels from the middle of the first one. points [N,6] are ' +
    'maps from the output: px = t0·j + t1·i + t2, py = t3·j + t4·i + t5; points [N,height,width,2] list (px, py). method ' +
    'bilinear mixes the four pixels around, nearest takes the next one (halves to the even), of any dtype. border says ' +
    'how an image goes on beyond its edges: constant (with value), edge, reflect, symmetric, wrap. A pixel of weight 0 ' +
    'is not read. Gradients: sample_image_grad, sample_image_slope (Jaderberg et al. 2015); nearest has none of points.',
  inputs: ['x', 'points'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true },

  infer(inputs, attrs) {
    requireArity(inputs, 2);
    const x = inputAt(inputs, 0, 'input');
    const { batch, channels, rows, columns } = samplingOf(x, inputAt(inputs, 1, 'points'), attrs);
    return [tensorType(x.dtype, [batch, channels, rows, columns])];
  },

  evaluate(inputs, attrs, outputs) {
    const [x, points] = [inputAt(inputs, 0, 'input'), inputAt(inputs, 1, 'points')];
    const sampling = samplingOf(x.type, points.type, attrs);
    const { channels, rows, columns, value } = sampling;
    const [from, to] = [sampling.height * sampling.width, rows * columns];
    const y = new Float64Array(elementCount(inputAt(outputs, 0, 'output').shape));
    forEachPoint(points, sampling, (image, point, px, py) => {
      const taps = tapsAt(sampling, px, py).filter(({ weight }) => weight !== 0);
      for (let c = 0; c < channels; c++) {
        const plane = (image * channels + c) * from;
        const terms = taps.map(({ pixel, weight }) =>
          pixel === undefined ? weight * value : weight * (x.data[plane + pixel] as number),
        );
        y[(image * channels + c) * to + (point % to)] = terms.reduce((sum, term) => sum + term, 0);
      }
    });
    return [y];
  },

  grad(context) {
    const { b, node, outputGrads, wants } = context;
    const [x, points] = node.inputs;
    const [dy] = outputGrads;
    if (!dy || !x || !points) return [];
    const dx = wants[0]
      ? b.op('sample_image_grad', [dy, points], { ...node.attrs, input_shape: x.type.shape })
      : undefined;
    return [dx, wants[1] && node.attrs['method'] === 'bilinear' ? gradientOfPoints(context, dy, x, points) : undefined];
  },

  cost: (_inputs, outputs) => ({ flops: 12 * elementCount(inputAt(outputs, 0, 'output').shape) }),

  samples: [
    ...BORDERS.map((border) =>
      mapSample(border, { method: 'bilinear', border, value: border === 'constant' ? 0.7 : 0 }),
    ),
    ...BORDERS.map((border) => mapSample(`nearest, ${border}`, { method: 'nearest', border })),
    ...BORDERS.map((border) => pointSample(`points, ${border}`, { method: 'bilinear', border })),
    pointSample('points, nearest', { method: 'nearest', border: 'constant', value: -1 }),
    {
      name: 'labels',
      inputs: [tensorType('i32', [2, 1, 3, 5]), tensorType('f32', [2, 6])],
      attrs: { height: 3, width: 7, method: 'nearest', border: 'constant', value: 255 },
      values: { 1: [0, 1, 0, 1, 0, 0, 1.3, 0, -1, 0, 1.1, 0.2] },
    },
    {
      name: 'wide, one channel',
      inputs: [tensorType('f32', [1, 1, 3, 300]), tensorType('f32', [1, 6])],
      attrs: { height: 2, width: 291, method: 'bilinear', border: 'constant', value: 0 },
      values: { 1: [1.03, 0.2, -3.3, 0.002, 0.8, 0.1] },
      wrt: [0],
      tolerance: 1e-4,
    },
    {
      name: 'one pixel',
      inputs: [tensorType('f32', [1, 2, 1, 1]), tensorType('f32', [1, 6])],
      attrs: { height: 3, width: 3, method: 'bilinear', border: 'reflect', value: 0 },
      values: { 1: [1, 0, -0.9, 0, 1, -0.8] },
      wrt: [0],
    },
  ],
});

/** Of listed points as they are; of maps the sums over the places that each number is multiplied by. */
function gradientOfPoints({ b, node: { attrs } }: GradContext, dy: Value, x: Value, points: Value): Value {
  const slope = b.op('sample_image_slope', [dy, x, points], attrs);
  const [batch = 0, six] = points.type.shape;
  if (points.type.shape.length === 4 || six === undefined) return slope;
  const [rows, columns] = [integerAttr(attrs, 'height'), integerAttr(attrs, 'width')];
  const places = Array.from({ length: rows * columns }, (_, p) => [p % columns, Math.floor(p / columns), 1]);
  const sums = b.op(
    'matmul',
    [
      b.op('reshape', [slope], { shape: [batch, rows * columns, 2] }),
      b.op('broadcast_to', [b.constant(places.flat(), [1, rows * columns, 3], x.type.dtype)], {
        shape: [batch, rows * columns, 3],
      }),
    ],
    { transpose_a: true, transpose_b: false },
  );
  return b.op('reshape', [sums], { shape: [batch, six] });
}
