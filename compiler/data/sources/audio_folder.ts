/** `type: audio_folder`: recordings, with a label or a transcript each. */
import { defineSource } from '../define';
import { bindField, classesField, orderFields } from '../fields';
import { columnRef, tableFields } from '../table/fields';
import { encodingFields } from '../text/fields';

export const audioFolder = defineSource({
  type: 'audio_folder',
  summary: 'WAV files of a folder or archive as waves of one length, with labels or transcripts.',
  details: [
    'The input of the waves is `[N, T]` (or `[N, 1, T]`) of floats: T samples at `rate` samples a second, in [−1, 1). Recordings of other rates are resampled (a sinc under a Hann window), several channels are averaged into one, or stay apart in an input `[N, C, T]`. Shorter ones are filled up with zeros, longer ones cut.',
    'A label is the name of the folder that the file lies in, a part of its name (`name: "{label}_{speaker}_{index}.wav"`), or a column of a table that lists the files (`list`). `where` chooses by parts of the name or by columns. With a `transcript` column the words go as token numbers to an input of integers `[N, L]`, characters unless `tokenizer` says otherwise: 0 fills up and can be the blank of CTC.',
    'WAV holds integer samples of 8, 16, 24 or 32 bits or floats. Recordings are kept in memory, cut to T unless they are cut at random.',
  ].join('\n\n'),
  example:
    '{type: audio_folder, path: recordings.tar.gz, rate: 8000, list: split.csv, label: digit, where: {split: train}}',
  fields: {
    path: { description: 'A folder, a .tar file or a .tar.gz file.', type: 'string', minLength: 1 },
    rate: { description: 'Samples a second of the waves.', type: 'integer', minimum: 100, maximum: 768_000 },
    name: {
      description:
        'What the names of the files say, parts in braces; `{label}` is the label. Files with other names are left out.',
      type: 'string',
      minLength: 3,
    },
    list: {
      description: 'A table (CSV, TSV, JSON lines, JSON, Parquet) with a row for each file.',
      type: 'string',
      minLength: 1,
    },
    file: columnRef('The column of `list` with the names of the files. Default: `file`.'),
    label: columnRef('The column of `list` with the labels. Default: `label`.'),
    transcript: columnRef('The column of `list` with what is said.'),
    classes: classesField,
    place: {
      description:
        'Where a recording that is too short lies, and what is left of one that is too long: its `start`, `center` or `end`; `random` in training cuts at a random place, elsewhere in the center.',
      enum: ['start', 'center', 'end', 'random'],
      default: 'start',
    },
    level: {
      description:
        'Makes all recordings equally loud: by their greatest value (`peak`) or their root mean square (`rms`, to 0.1).',
      enum: ['as_is', 'peak', 'rms'],
      default: 'as_is',
    },
    ...tableFields,
    ...encodingFields,
    bind: bindField(
      ['waves', 'labels', 'tokens', 'wave_lengths', 'token_lengths'],
      'By default waves go to the first float input of rank 2 or 3, labels to the first integer input of rank 1, tokens to the first of rank 2. Lengths, integers [N], go where `bind` says.',
    ),
    ...orderFields,
  },
  required: ['path', 'rate'],
  open: async (section, context) => (await import('./audio_folder_open')).openAudioFolder(section, context),
});
