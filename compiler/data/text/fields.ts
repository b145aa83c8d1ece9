/** Fields that say how texts become numbers, for every source that has texts. */
import type { FieldSchema } from '../../frontend/describe';
import { PUNCTUATION, SIDES, TOKENIZERS, UNKNOWN } from './encoding';

/** Fields that go with windows of a long text as well as with texts of their own. */
export const tokenFields: Readonly<Record<string, FieldSchema>> = {
  tokenizer: {
    description:
      'What a token is: a `character` (Unicode code point), a `byte` of the UTF-8 text, a `word`, or a byte pair (`bpe`) learned of the training texts.',
    enum: TOKENIZERS,
  },
  lowercase: {
    description: 'Turn capitals into small letters. Default: true for words, false for the rest.',
    type: 'boolean',
  },
  punctuation: {
    description:
      'With words: marks are tokens of their own (`separate`), dropped, or stay where they are (`keep`: words are what stands between white space).',
    enum: PUNCTUATION,
    default: 'separate',
  },
  vocabulary: {
    description:
      'Which tokens have a number. Learned of the training texts: all of them, or the most frequent `size`; or listed in `tokens` or in a `file` with one on each line.',
    type: 'object',
    minProperties: 1,
    additionalProperties: false,
    properties: {
      size: {
        description:
          'How many numbers there are at most, special tokens counted: the `vocabulary` of the embedding. Default for `bpe`: 1024.',
        type: 'integer',
        minimum: 2,
        maximum: 16_777_216,
      },
      min_count: {
        description: 'Leave out what occurs more rarely. Default: 1, for pairs of `bpe` 2.',
        type: 'integer',
        minimum: 1,
      },
      file: {
        description: 'A file with one token on each line, in the order of their numbers.',
        type: 'string',
        minLength: 1,
      },
      tokens: {
        description: 'The tokens in the order of their numbers.',
        type: 'array',
        items: { type: 'string', minLength: 1 },
        minItems: 1,
        uniqueItems: true,
      },
    },
  },
  unknown: {
    description:
      'A token without a number of its own gets that of the special `token`, is left out (`drop`), or is an `error`; with these two there is no special token for it.',
    enum: UNKNOWN,
  },
};

/** Fields for texts that are brought to one length. */
export const lengthFields: Readonly<Record<string, FieldSchema>> = {
  start: { description: 'Put a special token before every text.', type: 'boolean', default: false },
  end: { description: 'Put a special token after every text.', type: 'boolean', default: false },
  pad: {
    description: 'Where a text that is shorter than the input is filled up with the padding token, number 0.',
    enum: SIDES,
    default: 'end',
  },
  truncate: { description: 'Where a text that is longer than the input is cut.', enum: SIDES, default: 'end' },
};

export const encodingFields: Readonly<Record<string, FieldSchema>> = { ...tokenFields, ...lengthFields };
