/** What a column of a table is: its kind, and the fields that go with each kind. */
import type { FieldSchema } from '../../frontend/describe';
import { augmentField, pixelFields } from '../fields';
import { encodingFields } from '../text/fields';
import { columnRef } from './fields';

export const COLUMN_KINDS = ['number', 'category', 'set', 'vector', 'text', 'image'] as const;
export type ColumnKind = (typeof COLUMN_KINDS)[number];

/** Which fields go with which kind, beside `kind`, `to` and `column`. */
export const FIELDS_OF_KIND: Readonly<Record<ColumnKind, readonly string[]>> = {
  number: ['normalize', 'missing'],
  category: ['classes', 'missing', 'unknown', 'min_count'],
  set: ['classes', 'separator', 'unknown', 'min_count'],
  vector: ['separator', 'normalize'],
  text: ['lengths', 'mask', ...Object.keys(encodingFields)],
  image: ['root', 'fit', 'augment', ...Object.keys(pixelFields)],
};

export const columnFields: Readonly<Record<string, FieldSchema>> = {
  kind: {
    description:
      'A `number`; a `category`, one of a few names; a `set` of such names, one 0 or 1 for each name; a `vector` of numbers; a `text`; or the name of an `image` file.',
    enum: COLUMN_KINDS,
    default: 'number',
  },
  to: {
    description: 'The model input that it goes to. Default: the input with the name of the entry.',
    type: 'string',
  },
  column: columnRef('The column in the file, by name or position. Default: the one with the name of the entry.'),
  normalize: {
    description:
      'Numbers: `standard` subtracts the mean and divides by the standard deviation, `minmax` brings the least value to 0 and the greatest to 1, both those of the training rows.',
    enum: ['none', 'standard', 'minmax'],
    default: 'none',
  },
  missing: {
    description:
      'What an empty cell (also NA, N/A, NaN, null and ?) is: an `error`, the number `zero`, the `mean` of the training rows, or for categories an `unknown` one.',
    enum: ['error', 'zero', 'mean', 'unknown'],
    default: 'error',
  },
  classes: {
    description: 'The names of categories and sets, in order. Default: those of the training rows, sorted.',
    type: 'array',
    items: { type: 'string' },
    minItems: 1,
    uniqueItems: true,
  },
  unknown: {
    description:
      'What a name is that the training rows have not: an `error`; a `class` of its own before the others, number 0; or nothing (`drop`: all zeros, in sets and one-hot categories). Texts: as in the source `text`, `token`, `drop` or `error`.',
    enum: ['error', 'class', 'drop', 'token'],
  },
  min_count: {
    description: 'Names that are rarer in the training rows are unknown.',
    type: 'integer',
    minimum: 1,
    default: 1,
  },
  separator: {
    description: 'What stands between the members of a set or the numbers of a vector. Default: white space.',
    type: 'string',
    minLength: 1,
  },
  lengths: { description: 'The model input, integers [N], that the lengths of the texts go to.', type: 'string' },
  mask: { description: 'The model input [N, T] that gets 1 for a token and 0 for padding.', type: 'string' },
  root: {
    description: 'The folder that names of images start in. Default: the folder of the model file.',
    type: 'string',
    minLength: 1,
  },
  fit: {
    description:
      "How an image of another size is brought to the input's: `stretch` it, `crop` what sticks out around the centre, or `pad` with black.",
    enum: ['stretch', 'crop', 'pad'],
    default: 'stretch',
  },
  ...pixelFields,
  augment: augmentField,
  ...Object.fromEntries(Object.entries(encodingFields).filter(([name]) => name !== 'unknown')),
};
