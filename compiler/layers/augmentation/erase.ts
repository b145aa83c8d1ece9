/** Rectangles of images that are filled at random. */
import { defineLayer } from '../define';
import { numberOf, pair, pairOf, wordOf } from '../fields';
import { Drawing, imagesOf, pairOfNumbers, probabilityField, TRAINING_NOTE } from './drawing';
import { SAMPLE_IMAGE } from './motion';
import { drawRegion, rectangle } from './region';

export const randomErasing = defineLayer({
  type: 'random_erasing',
  summary: 'Fills a random rectangle of images.',
  details: `Input and output [N, C, H, W]. RandomErasing of torchvision (Zhong et al. 2017): area and ratio drawn as for \`random_resized_crop\`; where none of ten fits, nothing is erased. \`fill: noise\` takes normal numbers for every element, torchvision's \`value='random'\`. ${TRAINING_NOTE}`,
  example: '{name: erased, type: random_erasing}',
  fields: {
    scale: pairOfNumbers(
      'The area, as a share of that of the image.',
      { exclusiveMinimum: 0, maximum: 1 },
      [0.02, 0.33],
    ),
    ratio: pairOfNumbers('Width divided by height.', { exclusiveMinimum: 0 }, [0.3, 3.3]),
    fill: {
      description: 'What the rectangle holds: `value`, or normal noise.',
      enum: ['value', 'noise'],
      default: 'value',
    },
    value: { description: 'With `fill: value`. Default: 0.', type: 'number' },
    probability: probabilityField(0.5),
  },
  arity: [1, 1],
  samples: [
    { inputs: [SAMPLE_IMAGE] },
    { inputs: [SAMPLE_IMAGE], fields: { fill: 'noise', probability: 1, scale: [0.2, 0.5] } },
    { inputs: [SAMPLE_IMAGE], fields: { value: -1, probability: 1, ratio: [1, 1] } },
  ],
  lower(context, inputs) {
    const { b, fields } = context;
    const images = imagesOf(context, inputs[0]!);
    const { x, n } = images;
    const noise = wordOf(fields, 'fill') === 'noise';
    if (noise && fields['value'] !== undefined) context.fail(['value'], 'it has no effect with `fill: noise`');
    const [scale, ratio] = [pairOf(fields, 'scale'), pairOf(fields, 'ratio')];
    if (scale[0] > scale[1]) context.fail(['scale'], `nothing lies between ${scale[0]} and ${scale[1]}`);
    if (ratio[0] > ratio[1]) context.fail(['ratio'], `nothing lies between ${ratio[0]} and ${ratio[1]}`);
    if (context.mode !== 'train') return x;
    const m = new Drawing(context, n, 2);
    const part = drawRegion(m, images, scale, ratio, true);
    const covered = rectangle(new Drawing(context, n), images, part);
    const hit = m.and(m.hit(fields), m.greater(part.found, 0));
    const erased = m.and(covered, b.op('reshape', [hit], { shape: [n, 1, 1, 1] }));
    const attrs = { shape: x.type.shape, mean: 0, std: 1, truncated: false, stream: context.stream('noise') };
    const fill = noise ? b.op('random_normal', [context.rng()], attrs) : ((fields['value'] as number | undefined) ?? 0);
    return m.where(erased, fill, x);
  },
});

export const cutout = defineLayer({
  type: 'cutout',
  summary: 'Fills squares of images at random places.',
  details: `Input and output [N, C, H, W]. The middle of each square is any pixel, so that squares may reach beyond the edges (DeVries and Taylor 2017). ${TRAINING_NOTE}`,
  example: '{name: holes, type: cutout, size: 4}',
  fields: {
    size: pair('Extents of the squares.'),
    holes: { description: 'How many there are.', type: 'integer', minimum: 1, maximum: 64, default: 1 },
    value: { description: 'What they hold.', type: 'number', default: 0 },
    probability: probabilityField(1),
  },
  required: ['size'],
  arity: [1, 1],
  samples: [
    { inputs: [SAMPLE_IMAGE], fields: { size: 4 } },
    { inputs: [SAMPLE_IMAGE], fields: { size: [1, 3], holes: 2, value: 0.5, probability: 0.5 } },
  ],
  lower(context, inputs) {
    const { fields } = context;
    const images = imagesOf(context, inputs[0]!);
    const { x, h, w } = images;
    const [height, width] = pairOf(fields, 'size');
    if (context.mode !== 'train') return x;
    const m = new Drawing(context, images.n);
    const holes = Array.from({ length: numberOf(fields, 'holes') }, (_, i) =>
      rectangle(m, images, {
        left: m.sub(m.below(`column ${i}`, w), Math.floor(width / 2)),
        top: m.sub(m.below(`row ${i}`, h), Math.floor(height / 2)),
        width,
        height,
      }),
    );
    const covered = holes.reduce((left, hole) => m.op('or', left, hole));
    return m.where(m.and(covered, m.hit(fields)), numberOf(fields, 'value'), x);
  },
});
