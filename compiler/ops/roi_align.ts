/** Regions of feature maps as grids of one size, read between the pixels. */
import { elementCount, tensorType } from '../ir/types';
import { inputAt, requireArity } from './attributes';
import { defineOp } from './define';
import { checkAlign, forEachPixel, regionSample, regionsOf, shapeOfRegions } from './families/regions_of_interest';

export const roi_align = defineOp({
  name: 'roi_align',
  doc:
    'y[n,r,c,i,j] = the mean of x[n,c] over points of bin (i, j) of region r of image n, each read from the four pixels ' +
    'around it (He et al. 2017). Images [N,C,H,W], regions [N,R,4] as [x1,y1,x2,y2] in parts of the image; sampling_ratio ' +
    'points on each axis of a bin, 0: ⌈extent of the bin⌉. aligned: pixels have their centre at ½; else they are at whole ' +
    'numbers and a region is at least 1 pixel. Points beyond −1…extent are 0. Gradient of x: roi_align_grad; the regions ' +
    'have none.',
  inputs: ['x', 'regions'],
  outputs: ['y'],
  native: 'kernel',
  traits: { foldable: true },

  infer(inputs, attrs) {
    requireArity(inputs, 2);
    const x = inputAt(inputs, 0, 'input');
    checkAlign(attrs);
    return [tensorType(x.dtype, shapeOfRegions(regionsOf(x, inputAt(inputs, 1, 'regions'), attrs)))];
  },

  evaluate(inputs, attrs, outputs) {
    const [x, boxes] = [inputAt(inputs, 0, 'input'), inputAt(inputs, 1, 'regions')];
    const regions = regionsOf(x.type, boxes.type, attrs);
    const { batch, count, channels } = regions;
    const [plane, bins] = [regions.height * regions.width, regions.binsHigh * regions.binsWide];
    const y = new Float64Array(elementCount(inputAt(outputs, 0, 'output').shape));
    for (let box = 0; box < batch * count; box++) {
      for (let c = 0; c < channels; c++) {
        const from = (Math.floor(box / count) * channels + c) * plane;
        const to = (box * channels + c) * bins;
        forEachPixel(boxes, box, regions, attrs, (bin, pixel, weight) => {
          y[to + bin] = (y[to + bin] as number) + weight * (x.data[from + pixel] as number);
        });
      }
    }
    return [y];
  },

  grad({ b, node, outputGrads: [dy] }) {
    const [x, regions] = node.inputs;
    if (!dy || !x || !regions) return [];
    return [b.op('roi_align_grad', [dy, regions], { ...node.attrs, input_shape: x.type.shape })];
  },

  cost: (_inputs, outputs) => ({ flops: 32 * elementCount(inputAt(outputs, 0, 'output').shape) }),

  samples: [
    regionSample('points by the extent', { output_height: 2, output_width: 3, sampling_ratio: 0, aligned: true }),
    regionSample('four points', { output_height: 3, output_width: 3, sampling_ratio: 2, aligned: true }),
    regionSample('not aligned', { output_height: 2, output_width: 2, sampling_ratio: 0, aligned: false }, 1),
    regionSample('many channels', { output_height: 1, output_width: 2, sampling_ratio: 1, aligned: false }, 19),
  ],
});
