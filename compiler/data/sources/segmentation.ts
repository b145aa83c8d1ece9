/** `type: segmentation`: images with a mask each, which has a class for every pixel. */
import { defineSource } from '../define';
import { augmentField, bindField, orderFields, pixelFields } from '../fields';

export const segmentation = defineSource({
  type: 'segmentation',
  summary: 'Images and masks of the same name in two folders.',
  details: [
    'Every image has the mask with the same name, whatever the ending. Both are brought to the size of the input together: the image smoothly, the mask by taking the nearest pixel; augmentation moves both alike. Masks go to an input of integers `[N, H, W]` or `[N, 1, H, W]`, or of floats for two classes.',
    'Pixels that no class is known for have the number `ignore`, as have borders that padding and cropping add: say the same in the loss (`ignore_index`).',
  ].join('\n\n'),
  example:
    '{type: segmentation, images: train/images, masks: train/masks, classes: [sky, road, car], ignore: 255, scale: 0.00392156862745098}',
  fields: {
    images: { description: 'The folder of the images.', type: 'string', minLength: 1 },
    masks: { description: 'The folder of the masks.', type: 'string', minLength: 1 },
    list: {
      description: 'A text file with the names to take, one on each line. Default: all.',
      type: 'string',
      minLength: 1,
    },
    classes: {
      description:
        'Names of the classes in the order of their numbers. Where given, other numbers but `ignore` are an error.',
      type: 'array',
      items: { type: 'string' },
      minItems: 1,
      uniqueItems: true,
    },
    meaning: {
      description:
        'What a pixel of a mask says: the number of its class (`index`), anything but black for class 1 (`binary`), or the colour that PASCAL `voc` gives a number.',
      enum: ['index', 'binary', 'voc'],
      default: 'index',
    },
    colours: {
      description: 'The colour of each class, in order, where masks are coloured: `["#000000", "#804080"]`.',
      type: 'array',
      items: { type: 'string', pattern: '^#[0-9a-fA-F]{6}$' },
      minItems: 1,
      uniqueItems: true,
    },
    merge: {
      description: 'Other numbers for some classes, e.g. `{11: 255}`.',
      type: 'object',
      minProperties: 1,
      additionalProperties: { type: 'integer', minimum: 0, maximum: 255 },
    },
    ignore: {
      description: 'The number of pixels without a class.',
      type: 'integer',
      minimum: 0,
      maximum: 255,
      default: 255,
    },
    fit: {
      description:
        "How an image of another size is brought to the input's: `stretch` it, `crop` what sticks out around the centre, or `pad` it.",
      enum: ['stretch', 'crop', 'pad'],
      default: 'stretch',
    },
    bind: bindField(
      ['images', 'masks'],
      'By default images go to the first input of rank 4 that holds floats or bytes, masks to the first other one of rank 3 or 4.',
    ),
    ...pixelFields,
    augment: augmentField,
    ...Object.fromEntries(Object.entries(orderFields).filter(([name]) => name !== 'sampling')),
  },
  required: ['images', 'masks'],
  open: async (section, context) => (await import('./segmentation_open')).openSegmentation(section, context),
});
