/** `type: idx`: the format of MNIST and its kin, gzipped or plain, and the digits that come with dlc. */
import { defineSource } from '../define';
import { augmentField, bindField, orderFields, pixelFields } from '../fields';

export const idx = defineSource({
  type: 'idx',
  summary: 'Images and labels in IDX files, the format of MNIST, gzipped or plain.',
  details: [
    'Images are unsigned bytes of rank 2 or more; the first axis counts the samples. A file of shape [n, 28, 28] fits an input of shape [N, 1, 28, 28].',
    'The names `builtin:digits/train-images`, `builtin:digits/train-labels`, `builtin:digits/test-images` and `builtin:digits/test-labels` stand for the handwriting-like digits that dlc draws itself on first use.',
  ].join('\n\n'),
  example: '{type: idx, images: train-images.gz, labels: train-labels.gz, scale: 0.00390625, shuffle: true}',
  fields: {
    images: { description: 'The file of images, or `builtin:digits/train-images`.', type: 'string', minLength: 1 },
    labels: { description: 'The file of labels, or `builtin:digits/train-labels`.', type: 'string', minLength: 1 },
    bind: bindField(
      ['images', 'labels'],
      'By default images go to the first input of rank 3 or more (else the first float input), labels to the first integer input of rank 1.',
    ),
    ...pixelFields,
    augment: augmentField,
    ...orderFields,
  },
  required: ['images'],
  open: async (section, context) => (await import('./idx_open')).openIdx(section, context),
});
