/** The gradient of regions read between the pixels: each hands on to the pixels it was mixed from. */
import { elementCount, tensorType } from '../ir/types';
import { inputAt, integersAttr, requireArity, requireShape } from './attributes';
import { defineOp, type OpSample } from './define';
import { checkAlign, forEachPixel, regionSample, regionsOf, shapeOfRegions } from './families/regions_of_interest';

export const roi_align_grad = defineOp({
  name: 'roi_align_grad',
  doc: 'dx[n,c,h,w] = Σ dy[n,r,c,i,j] · the share of pixel (h, w) in bin (i, j) of region r, as in roi_align.',
  inputs: ['dy', 'regions'],
  outputs: ['dx'],
  native: 'kernel',
  traits: { foldable: true },

  infer(inputs, attrs) {
    requireArity(inputs, 2);
    const dy = inputAt(inputs, 0, 'gradient');
    const x = tensorType(dy.dtype, integersAttr(attrs, 'input_shape', 4, 0));
    checkAlign(attrs);
    requireShape(dy, shapeOfRegions(regionsOf(x, inputAt(inputs, 1, 'regions'), attrs)), 'gradient');
    return [x];
  },

  evaluate(inputs, attrs, outputs) {
    const [dy, boxes] = [inputAt(inputs, 0, 'gradient'), inputAt(inputs, 1, 'regions')];
    const type = inputAt(outputs, 0, 'output');
    const regions = regionsOf(type, boxes.type, attrs);
    const { batch, count, channels } = regions;
    const [plane, bins] = [regions.height * regions.width, regions.binsHigh * regions.binsWide];
    const dx = new Float64Array(elementCount(type.shape));
    for (let box = 0; box < batch * count; box++) {
      for (let c = 0; c < channels; c++) {
        const to = (Math.floor(box / count) * channels + c) * plane;
        const from = (box * channels + c) * bins;
        forEachPixel(boxes, box, regions, attrs, (bin, pixel, weight) => {
          dx[to + pixel] = (dx[to + pixel] as number) + weight * (dy.data[from + bin] as number);
        });
      }
    }
    return [dx];
  },

  cost: ([dy]) => ({ flops: 32 * elementCount(dy?.shape ?? []) }),

  samples: [gradSample('points by the extent', [2, 3], 0, true, 3), gradSample('not aligned', [3, 1], 2, false, 17)],
});

function gradSample(
  name: string,
  [high, wide]: readonly [number, number],
  ratio: number,
  aligned: boolean,
  channels: number,
): OpSample {
  const attrs = { output_height: high, output_width: wide, sampling_ratio: ratio, aligned };
  const { inputs, values } = regionSample(name, attrs, channels);
  const [x, boxes] = inputs;
  if (!x || !boxes) return { name, inputs };
  return {
    name,
    inputs: [tensorType('f32', [2, 3, channels, high, wide]), boxes],
    attrs: { ...attrs, input_shape: x.shape },
    ...(values && { values }),
    wrt: [],
  };
}
