/** Fields that several data sources share, described once. */
import type { FieldSchema } from '../frontend/describe';

const perChannel = [{ type: 'number' }, { type: 'array', items: { type: 'number' }, minItems: 1 }] as const;

export const orderFields: Readonly<Record<string, FieldSchema>> = {
  shuffle: {
    description:
      'Visit the samples in a new random order in every epoch. The order depends on `train.seed` and the epoch alone. Default: true for training data, false for the rest.',
    type: 'boolean',
  },
  split: {
    description:
      'Takes a part of the samples. Sections with the same `seed` and ranges that do not overlap share no sample: `{to: 0.9}` to train, `{from: 0.9}` to evaluate.',
    type: 'object',
    additionalProperties: false,
    properties: {
      from: { description: 'Where the part begins, a fraction.', type: 'number', minimum: 0, maximum: 1, default: 0 },
      to: { description: 'Where it ends, a fraction.', type: 'number', minimum: 0, maximum: 1, default: 1 },
      order: {
        description: 'Cut the samples as they are `given`, or `shuffled` by the seed.',
        enum: ['shuffled', 'given'],
        default: 'shuffled',
      },
      seed: { description: 'Of the shuffled order; not `train.seed`.', type: 'integer', minimum: 0, default: 0 },
      stratified: { description: 'Take the same share of every class.', type: 'boolean', default: false },
    },
  },
  limit: {
    description: 'Use only the first so many samples, of the part where there is a `split`.',
    type: 'integer',
    minimum: 1,
  },
  sampling: {
    description:
      'How likely training draws a sample, with replacement: `balanced` gives every class the same chance, a mapping gives factors for the samples of a class by its name or number (1 where it is not named). An epoch keeps its length. Without effect outside training. Default: every sample once.',
    anyOf: [
      { enum: ['balanced'] },
      { type: 'object', minProperties: 1, additionalProperties: { type: 'number', minimum: 0 } },
    ],
  },
};

export const classesField: FieldSchema = {
  description:
    'Names of the classes in the order of their numbers. Default: those of the training data, in the order of their names.',
  type: 'array',
  items: { type: 'string' },
  minItems: 1,
  uniqueItems: true,
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
