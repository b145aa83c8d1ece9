/** `type: image_folder`: one folder (or part of a tar file) for each class, with image files in it. */
import { defineSource } from '../define';
import { augmentField, bindField, orderFields, pixelFields } from '../fields';

export const imageFolder = defineSource({
  type: 'image_folder',
  summary: 'JPEG, PNG and WebP files in one folder for each class, or the same in a .tar or .tar.gz file.',
  details: [
    'The files are `<class>/<file>`, below any folders that all of them share. Classes are numbered in the order of their names, or in that of `classes`.',
    "Images are decoded once, brought to the input's channels and size, and kept as bytes in the user's cache directory.",
  ].join('\n\n'),
  example:
    '{type: image_folder, path: flowers.tar.gz, folder: train, scale: 0.00392156862745098, mean: 0.5, std: 0.25}',
  fields: {
    path: { description: 'A folder, a .tar file or a .tar.gz file.', type: 'string', minLength: 1 },
    folder: { description: 'Read only this folder inside `path`, e.g. `train`.', type: 'string', minLength: 1 },
    classes: {
      description: 'Names of the classes in the order of their numbers. Default: the folder names, sorted.',
      type: 'array',
      items: { type: 'string' },
      minItems: 1,
      uniqueItems: true,
    },
    fit: {
      description:
        "How an image of another size is brought to the input's: `stretch` it, `crop` what sticks out around the centre, or `pad` with black.",
      enum: ['stretch', 'crop', 'pad'],
      default: 'stretch',
    },
    bind: bindField(
      ['images', 'labels'],
      'By default images go to the first input of rank 4, labels to the first integer input of rank 1.',
    ),
    ...pixelFields,
    augment: augmentField,
    ...orderFields,
  },
  required: ['path'],
  open: async (section, context) => (await import('./image_folder_open')).openImageFolder(section, context),
});
