/** Regions of feature maps as small maps of one size. */
import { defineLayer } from '../define';
import { flag, flagOf, numberOf, pair, pairOf } from '../fields';
import { requireImages } from '../window';
import { requireBoxes } from './boxes';

const REGIONS = [0.1, 0.2, 0.73, 0.91, 0, 0, 1, 1, 0.31, 0.33, 0.36, 0.41, -0.2, 0.5, 0.4, 1.27];

export const roiAlign = defineLayer({
  type: 'roi_align',
  summary: 'Cuts regions out of feature maps and brings each to one size, reading between the pixels.',
  details: [
    'Inputs: feature maps [N, C, H, W] and regions [N, R, 4] as [x1, y1, x2, y2] in parts of the image. Output [N, R, C, h, w]: the mean of `sampling_ratio`² points in each of h · w bins (He et al. 2017). Gradients go to the feature maps, none to the regions.',
    "torchvision's roi_align takes [R, 5] with the number of the image, in pixels times `spatial_scale`; its `aligned` is false by default, which is half a pixel off. tf.image.crop_and_resize reads one point for each bin.",
  ].join('\n\n'),
  example: '{name: crops, type: roi_align, inputs: [features, regions], size: 7, sampling_ratio: 2}',
  fields: {
    size: pair('Extents of the output.'),
    sampling_ratio: {
      description: 'Points on each axis of a bin; 0: as many as the bin has pixels, rounded up.',
      type: 'integer',
      minimum: 0,
      maximum: 64,
      default: 0,
    },
    aligned: flag('Pixels have their centre at ½, not at whole numbers.', true),
  },
  required: ['size'],
  arity: [2, 2],
  samples: [
    {
      inputs: [{ shape: ['N', 2, 5, 7] }, { shape: ['N', 2, 4], values: REGIONS }],
      fields: { size: 7, sampling_ratio: 2 },
      wrt: [0],
    },
    {
      name: 'not aligned',
      inputs: [{ shape: ['N', 2, 5, 7] }, { shape: ['N', 2, 4], values: REGIONS }],
      fields: { size: [2, 3], aligned: false },
      wrt: [0],
    },
  ],
  lower(context, inputs) {
    const [features, regions] = [inputs[0]!, inputs[1]!];
    const [batch] = requireImages(context, features);
    requireBoxes(context, regions, 'regions');
    const { shape } = regions.type;
    if (shape.length !== 3 || shape[0] !== batch) context.mismatch('shape', 'regions should be [N, R, 4]');
    const [height, width] = pairOf(context.fields, 'size');
    return context.b.op('roi_align', [features, regions], {
      output_height: height,
      output_width: width,
      sampling_ratio: numberOf(context.fields, 'sampling_ratio'),
      aligned: flagOf(context.fields, 'aligned'),
    });
  },
});
