/** `type: text_windows`: one long text cut into windows, each with the tokens that come next: language modelling. */
import { defineSource } from '../define';
import { bindField, orderFields } from '../fields';
import { encodingField } from '../table/fields';
import { tokenFields } from '../text/fields';

const { shuffle, limit } = orderFields;

export const textWindows = defineSource({
  type: 'text_windows',
  summary: 'Windows of a long text and the tokens that come next, for language models.',
  details: [
    "The input of the tokens is `[N, T]` of integers; sample i begins at token i · `stride`. `next` goes to a second input `[N, T]`, each token's successor, or to one of rank 1, the token after the window. With `unknown: error`, the default, numbers begin at 0 with the first character: the 65 characters of the Shakespeare excerpt are 0 to 64.",
    "With `streams: B` the text is cut into B equal stretches and batch b holds window b of each of them in turn, so that row i of a batch goes on where row i of the batch before ended: what recurrent layers need to carry their state over (B is the batch size; the rest of the text is left out). `continues` is 0 for the first window of a stretch and 1 otherwise, for `[N, T]` 0 at its first token alone, as the `cont` of Caffe's recurrent layers.",
    'The vocabulary is learned of the training part and kept with the weights.',
  ].join('\n\n'),
  example: '{type: text_windows, file: shakespeare.txt, part: {to: 0.9}}',
  fields: {
    file: { description: 'A text file.', type: 'string', minLength: 1 },
    encoding: encodingField,
    part: {
      description: 'The part of the text to take: `{to: 0.9}` to train, `{from: 0.9}` to evaluate.',
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      properties: {
        from: {
          description: 'Where it begins, a fraction of the characters.',
          type: 'number',
          minimum: 0,
          maximum: 1,
          default: 0,
        },
        to: { description: 'Where it ends.', type: 'number', minimum: 0, maximum: 1, default: 1 },
      },
    },
    stride: {
      description:
        'Tokens from the beginning of a window to that of the next. Default: T, so that windows do not overlap.',
      type: 'integer',
      minimum: 1,
    },
    streams: {
      description: 'Stretches of the text that are read side by side; the batch size.',
      type: 'integer',
      minimum: 1,
    },
    ...tokenFields,
    bind: bindField(
      ['tokens', 'next', 'continues'],
      'By default tokens go to the first integer input of rank 2, `next` to the second, or to the first of rank 1. `continues` goes where `bind` says.',
    ),
    ...(shuffle ? { shuffle } : {}),
    ...(limit ? { limit } : {}),
  },
  required: ['file'],
  open: async (section, context) => (await import('./text_windows_open')).openTextWindows(section, context),
});
