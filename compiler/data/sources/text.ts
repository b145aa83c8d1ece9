/** `type: text`: short texts as rows of token numbers, with a label each where they have one. */
import { defineSource } from '../define';
import { bindField, classesField, orderFields } from '../fields';
import { columnRef, tableFields } from '../table/fields';
import { encodingFields } from '../text/fields';

/** As in `text/samples.ts`, which is loaded when a text is. */
const FORMATS = ['csv', 'tsv', 'jsonl', 'json', 'parquet', 'lines', 'labelled', 'folder'] as const;

export const text = defineSource({
  type: 'text',
  summary: 'Short texts (sentences, questions, reviews) as numbers of tokens, with labels.',
  details: [
    'Texts are the rows of a table (CSV, TSV, JSON lines, JSON, Parquet), the lines of a file, lines that begin with a label (`labelled`), or a folder with one folder of .txt files or one .txt file of lines for each class. The input of the tokens is `[N, T]` of integers: every text is cut or filled up to T tokens.',
    'The vocabulary is learned of the training texts and kept with the weights, as are the names of the classes, which are numbered in the order of their names: `data.eval` says where its texts are and nothing of how they are encoded, and `dlc predict --input tokens="some text"` encodes what it is given in the same way. Special tokens come first: padding 0, then unknown, start and end where they are in use. Then come the tokens, the most frequent first, or characters in their order.',
    'Words are letters, digits and apostrophes between letters; texts are brought to Unicode NFC first. Byte pairs are learned as in GPT-2: over bytes, within words that carry the space before them.',
  ].join('\n\n'),
  example:
    '{type: text, file: TREC.train, format: labelled, label_until: ":", encoding: latin1, vocabulary: {min_count: 2}}',
  fields: {
    file: { description: 'The file or folder.', type: 'string', minLength: 1 },
    format: {
      description:
        'How texts and labels lie in it. Default: by the ending of the name, else `lines`, for a folder `folder`.',
      enum: FORMATS,
    },
    text: columnRef(
      'The column of the texts, by name or position. Default: `text`, the first one where there are no names.',
    ),
    label: columnRef('The column of the labels. Default: `label`, the second one where there are no names.'),
    label_until: {
      description: 'Labels end where this begins: with ":" the label of `DESC:manner` is `DESC`.',
      type: 'string',
      minLength: 1,
    },
    classes: classesField,
    ...tableFields,
    ...encodingFields,
    bind: bindField(
      ['tokens', 'labels', 'lengths', 'mask'],
      'By default tokens go to the first integer input of rank 2 and labels to the first of rank 1. `lengths` (integers [N]: tokens of each text, without padding) and `mask` ([N, T]: 1 for a token, 0 for padding) go where `bind` says.',
    ),
    ...orderFields,
  },
  required: ['file'],
  open: async (section, context) => (await import('./text_open')).openText(section, context),
});
