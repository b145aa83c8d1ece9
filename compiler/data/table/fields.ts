/** Fields of sources whose samples are the rows of a table. */
import type { FieldSchema } from '../../frontend/describe';
import { ENCODINGS } from './text_file';

export const TABLE_FORMATS = ['csv', 'tsv', 'jsonl', 'json', 'parquet'] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

export const columnRef = (description: string): FieldSchema => ({
  description,
  anyOf: [
    { type: 'string', minLength: 1 },
    { type: 'integer', minimum: 0, maximum: 65_535 },
  ],
});

export const encodingField: FieldSchema = {
  description: 'How the bytes of the file are text.',
  enum: ENCODINGS,
  default: 'utf8',
};

export const tableFields: Readonly<Record<string, FieldSchema>> = {
  delimiter: {
    description: 'What stands between the cells of a row of CSV. Default: a comma, in .tsv files a tab.',
    type: 'string',
    minLength: 1,
    maxLength: 8,
  },
  header: {
    description: 'Whether the first row of CSV holds names. Without them columns are numbers from 0.',
    type: 'boolean',
    default: true,
  },
  encoding: encodingField,
  member: {
    description:
      'Of a JSON file that holds a mapping: which of its members the rows are. Several are read one after the other.',
    anyOf: [
      { type: 'string', minLength: 1 },
      { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1, uniqueItems: true },
    ],
  },
  where: {
    description: 'Take only rows with these values, e.g. `{split: train}` or `{year: [2019, 2020]}`.',
    type: 'object',
    minProperties: 1,
    additionalProperties: {
      anyOf: [
        { type: ['string', 'number', 'boolean'] },
        { type: 'array', items: { type: ['string', 'number', 'boolean'] }, minItems: 1 },
      ],
    },
  },
};
