/** `type: detection`: pictures with boxes around things. */
import { defineSource } from '../define';
import { bindField, orderFields, pixelFields } from '../fields';

export const detection = defineSource({
  type: 'detection',
  summary: 'Pictures with boxes around things, as PASCAL VOC, COCO or a table has them.',
  details: [
    '`format: voc`: `path` holds `Annotations/*.xml`, `JPEGImages/` and, for `subset`, `ImageSets/Main/<subset>.txt`. `coco`: `annotations` is the JSON file, `path` the folder of images. `csv`: `annotations` is a table with a row for each thing and columns for file, class, xmin, ymin, xmax, ymax in pixels; `path` is the folder of images.',
    'Boxes are [x1, y1, x2, y2] in parts of the image. The input of the boxes is [N, G, 4], that of the classes [N, G]: a picture has at most G things; rows beyond those it has are boxes of 0 and classes of −1. Things without an area are left out.',
    'Images are decoded once, brought to the input’s channels and size, and kept as bytes in the user’s cache directory.',
  ].join('\n\n'),
  example: '{type: detection, path: VOC2007, subset: trainval, scale: 0.00392156862745098}',
  fields: {
    path: { description: 'The folder.', type: 'string', minLength: 1 },
    format: { description: 'How the annotations are written.', enum: ['voc', 'coco', 'csv'], default: 'voc' },
    annotations: { description: 'The JSON file or the table, for `coco` and `csv`.', type: 'string', minLength: 1 },
    subset: { description: 'Only the pictures of this list, for `voc`. Default: all.', type: 'string', minLength: 1 },
    columns: {
      description:
        'Names of the columns of a table, where they are not usual ones (filename, class, xmin, x1, left and the like).',
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(
        ['file', 'class', 'xmin', 'ymin', 'xmax', 'ymax'].map((column) => [
          column,
          { description: `The column of the ${column}.`, type: 'string' },
        ]),
      ),
    },
    classes: {
      description: 'Names of the classes in the order of their numbers. Default: sorted, or as COCO numbers them.',
      type: 'array',
      items: { type: 'string' },
      minItems: 1,
      uniqueItems: true,
    },
    background: {
      description: 'Classes are numbered from 1, because 0 is the background (SSD); otherwise from 0.',
      type: 'boolean',
      default: true,
    },
    difficult: {
      description: 'Whether things that are marked as difficult (VOC) or as a crowd (COCO) are in.',
      enum: ['keep', 'skip'],
      default: 'keep',
    },
    fit: {
      description: "How an image is brought to the input's size: `stretch` it, or `pad` with black.",
      enum: ['stretch', 'pad'],
      default: 'stretch',
    },
    bind: bindField(
      ['images', 'boxes', 'classes', 'difficult'],
      'By default images go to the first input of rank 4, boxes to the first float input [N, G, 4], classes to the first integer input [N, G], and which are difficult to the first bool input [N, G].',
    ),
    ...pixelFields,
    augment: {
      description:
        'Random views of the training images and their boxes, drawn from `train.seed`, the epoch and the sample. Boxes whose centre is not in the view are gone. Without effect outside training.',
      type: 'object',
      additionalProperties: false,
      properties: {
        flip: { description: 'Mirror half of the images, left to right.', enum: ['horizontal'] },
        expand: {
          description: 'Put half of the images at a random place of a larger, empty one.',
          type: 'object',
          additionalProperties: false,
          properties: {
            ratio: { description: 'How much larger, at most.', type: 'number', exclusiveMinimum: 1, default: 4 },
            fill: { description: 'Pixel value around.', type: 'integer', minimum: 0, maximum: 255, default: 0 },
          },
        },
        crop: {
          description: 'Cut out a random part, or none (the batch sampler of SSD).',
          type: 'object',
          additionalProperties: false,
          properties: {
            overlaps: {
              description:
                'One of these is drawn, or the whole image: by how much the part overlaps with some box, at least. Default: [0.1, 0.3, 0.5, 0.7, 0.9, 0].',
              type: 'array',
              items: { type: 'number', minimum: 0, maximum: 1 },
              minItems: 1,
            },
            min_scale: {
              description: 'The least extent of a part.',
              type: 'number',
              exclusiveMinimum: 0,
              maximum: 1,
              default: 0.3,
            },
          },
        },
      },
    },
    ...orderFields,
  },
  required: ['path'],
  open: async (section, context) => (await import('./detection_open')).openDetection(section, context),
});
