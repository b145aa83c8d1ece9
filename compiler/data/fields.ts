/** Fields that several data sources share, described once. */
import type { FieldSchema } from '../frontend/describe';

const perChannel = [{ type: 'number' }, { type: 'array', items: { type: 'number' }, minItems: 1 }] as const;

export const orderFields: Readonly<Record<string, FieldSchema>> = {
  shuffle: {
    description:
      'Visit the samples in a new random order in every epoch. The order depends on `train.seed` and the epoch alone. Default: true for training data, false for the rest.',
    type: 'boolean',
  },
  limit: { description: 'Use only the first so many samples.', type: 'integer', minimum: 1 },
};

/** Every pixel becomes `(pixel * scale - mean) / std`. */
export const pixelFields: Readonly<Record<string, FieldSchema>> = {
  scale: {
    description: 'Factor on the pixels 0 to 255; a pixel becomes `(pixel * scale - mean) / std`.',
    type: 'number',
    default: 1,
  },
  mean: {
    description: 'Subtracted after scaling: one number, or one for each channel.',
    anyOf: perChannel,
    default: 0,
  },
  std: {
    description: 'Divided by at the end: one number, or one for each channel. Not 0.',
    anyOf: [
      { type: 'number', not: { const: 0 } },
      { type: 'array', items: { type: 'number', not: { const: 0 } }, minItems: 1 },
    ],
    default: 1,
  },
};

export const augmentField: FieldSchema = {
  description:
    'Random changes of the training images, drawn from `train.seed`, the epoch and the sample, so that a run repeats exactly. Without effect outside training.',
  type: 'object',
  additionalProperties: false,
  properties: {
    flip: { description: 'Mirror half of the images, left to right.', enum: ['horizontal'] },
    crop: {
      description: 'Add a border and cut the image out of the larger one at a random place.',
      type: 'object',
      additionalProperties: false,
      required: ['padding'],
      properties: {
        padding: { description: 'Pixels added on each side.', type: 'integer', minimum: 1, maximum: 1024 },
        fill: { description: 'Pixel value of the border.', type: 'integer', minimum: 0, maximum: 255, default: 0 },
      },
    },
  },
};

/** `bind` for a source whose parts have the given names. */
export function bindField(parts: readonly string[], rule: string): FieldSchema {
  return {
    description: `Which model input each part of the data goes to, e.g. \`{${parts[0]}: x}\`. ${rule}`,
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(
      parts.map((part) => [part, { description: `The model input that the ${part} go to.`, type: 'string' }]),
    ),
  };
}
