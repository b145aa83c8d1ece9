/** `type: table`: rows of a table, whose columns become inputs of the model. */
import { defineSource } from '../define';
import type { Fields } from '../../frontend/spec';
import { orderFields } from '../fields';
import { columnFields } from '../table/column_fields';
import { tableFields } from '../table/fields';

/** As a schema holds it, without absent members. */
const columnSchema = columnFields as Readonly<Record<string, Fields>>;

export const table = defineSource({
  type: 'table',
  summary:
    'Rows of a CSV, TSV, JSON lines, JSON or Parquet file; columns are numbers, categories, sets, vectors, texts or images.',
  details: [
    'Every entry of `columns` brings a column to a model input. Several columns that go to one input lie next to each other in the order in which they are written: three numbers and a category of four names fill an input `[N, 7]`. In an input of integers a category is its number (a label, or the index of an embedding), in an input of floats one 0 or 1 for each name (one-hot).',
    'Means, extremes, names and vocabularies are those of the training rows, after `where`, `split` and `limit`. They are kept with the weights: `data.eval` and `data.predict` need only say where their rows are. Values outside of the training range are scaled like any other.',
    'A list of image files with labels, as Caffe\'s ImageData has it, is a table too: `{type: table, file: list.txt, delimiter: " ", header: false, columns: {image: {column: 0, kind: image, root: pictures}, label: {column: 1}}}`. Two columns of images make pairs.',
  ].join('\n\n'),
  example:
    '{type: table, file: houses.csv, split: {to: 0.8}, columns: {rooms: {to: x, normalize: standard}, city: {kind: category, to: x}, price: {to: y}}}',
  fields: {
    file: { description: 'The file.', type: 'string', minLength: 1 },
    format: {
      description: 'How rows lie in it. Default: by the ending of the name, else `csv`.',
      enum: ['csv', 'tsv', 'jsonl', 'json', 'parquet'],
    },
    columns: {
      description:
        'What the columns are and where they go, by name. Other columns are not read. May be left out where the training section says it.',
      type: 'object',
      minProperties: 1,
      additionalProperties: { type: 'object', additionalProperties: false, properties: columnSchema },
    },
    ...tableFields,
    ...orderFields,
  },
  required: ['file'],
  open: async (section, context) => (await import('./table_open')).openTable(section, context),
});
