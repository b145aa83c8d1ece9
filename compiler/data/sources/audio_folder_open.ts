/** Opens `type: audio_folder`: finds and decodes the recordings, numbers labels and transcripts. */
import { dataCorrupt, dataMismatch, dataMissing } from '../../diagnostics/catalogue';
import type { Diagnostic } from '../../diagnostics/diagnostic';
import { SpecError } from '../../diagnostics/errors';
import type { Fields, InputSpec, SectionSpec } from '../../frontend/spec';
import { elementCount, isFloat } from '../../ir/types';
import { findRecordings, type Recording } from '../audio/recordings';
import { decodeRecording, writeWave, type WaveFormat } from '../audio/waves';
import { bindParts, describeInput, isIntegerInput, isLabelInput, type Binding } from '../bind';
import { LabelColumn } from '../classes';
import type { Dataset, OpenContext } from '../define';
import { DataFileError } from '../idx_file';
import { askedOf, checkAsked, type Learned } from '../learned';
import { shuffles, writeLabel } from '../pixels';
import { openTextColumn, type TextColumn } from '../table/text_column';
import { encodingOf } from '../text/encoding';
import { ENCODING_FIELDS } from '../text/learn';

const USUAL = { tokenizer: 'character', unknown: 'error', padded: true } as const;
const MAX_SAMPLES = 2 ** 30;

export async function openAudioFolder(section: SectionSpec, context: OpenContext): Promise<Dataset> {
  const problems: Diagnostic[] = [];
  const bound = bindWaves(section, context, problems);
  if (problems.length > 0) throw new SpecError(problems);
  const recordings = await findRecordings(section, context, {
    labels: bound.has('labels'),
    transcripts: bound.has('tokens'),
  });
  const labels = labelsOf(section, context, bound, recordings);
  const text = transcriptsOf(section, context, bound, recordings);
  const format = formatOf(section, bound);
  const waves = bound.has('waves') ? await decodeAll(section, context, recordings, format) : [];
  const missing = [
    ...(labels?.isKnown === false ? ['the classes'] : []),
    ...(text?.isKnown === false ? ['the tokens'] : []),
  ];
  return {
    size: recordings.length,
    fields: [...bound.values()].map(({ input, shape }) => ({ input: input.name, dtype: input.dtype, shape })),
    shuffle: shuffles(section.fields, context.mode),
    get groups() {
      return labels?.groups;
    },
    get classes() {
      return labels?.names;
    },
    get learned(): Learned {
      return { ...labels?.learned, ...Object.fromEntries(text?.learned() ?? []) };
    },
    ...(missing.length > 0
      ? {
          learns: missing.join(' and '),
          learn: (chosen: Uint32Array) => {
            labels?.learn(chosen);
            text?.learn(chosen);
          },
        }
      : {}),
    read(indices, how, into) {
      const isRandom = format.place === 'random' && context.mode === 'train';
      const rows = (part: string) => into[bound.get(part)?.input.name ?? ''];
      const [wave, label, length] = [rows('waves'), rows('labels'), rows('wave_lengths')];
      for (let row = 0; row < indices.length; row++) {
        const sample = indices[row]!;
        const random = isRandom ? { ...how, sample } : undefined;
        if (wave) writeWave(waves[sample]!, format, random, wave, row * format.channels * format.length);
        if (label) writeLabel(label, row, labels!.numberOf(sample));
        if (length) writeLabel(length, row, Math.min(format.length, waves[sample]![0]!.length));
      }
      text?.read(indices, into);
    },
    close: () => undefined,
  };
}

function bindWaves(section: SectionSpec, context: OpenContext, problems: Diagnostic[]): Map<string, Binding> {
  const isWave = ({ dtype, shape }: InputSpec): boolean => isFloat(dtype) && (shape.length === 2 || shape.length === 3);
  const never = (): boolean => false;
  const bound = bindParts(
    section,
    context,
    [
      { name: 'waves', present: true, accepts: [isWave] },
      { name: 'labels', present: true, accepts: [isLabelInput] },
      { name: 'tokens', present: true, accepts: [(input) => isIntegerInput(input) && input.shape.length === 2] },
      { name: 'wave_lengths', present: true, accepts: [never] },
      { name: 'token_lengths', present: true, accepts: [never] },
    ],
    problems,
  );
  for (const [part, { input }] of bound) {
    if (part === 'tokens' || part === 'token_lengths') continue;
    if (part === 'waves' ? isWave(input) && input.dtype === 'f32' : isLabelInput(input)) continue;
    problems.push(
      dataMismatch(section.at([]), `the ${part.replace('_', ' ')} do not fit the input \`${input.name}\``, [
        { name: input.name, type: describeInput(input), at: input.origin.at },
      ]),
    );
  }
  return bound;
}

function formatOf({ fields }: SectionSpec, bound: ReadonlyMap<string, Binding>): WaveFormat {
  const {
    level = 'as_is',
    place = 'start',
    rate,
  } = fields as unknown as Partial<WaveFormat> & { readonly rate: number };
  const shape = bound.get('waves')?.shape ?? [0];
  return { rate, level, place, channels: elementCount(shape.slice(0, -1)), length: shape.at(-1)! };
}

function labelsOf(
  section: SectionSpec,
  context: OpenContext,
  bound: ReadonlyMap<string, Binding>,
  recordings: readonly Recording[],
): LabelColumn | undefined {
  const binding = bound.get('labels');
  if (!binding) return undefined;
  const labels = recordings.map(({ label, place }) => {
    if (label !== undefined) return label;
    const hint = 'put it into a folder of its class, or say `name` or `list`';
    throw new SpecError([dataMissing(section.at(['path']), place, 'it has no label', hint)]);
  });
  return new LabelColumn(section, context, binding.input.name, labels, (sample) => recordings[sample]!.place);
}

function transcriptsOf(
  section: SectionSpec,
  context: OpenContext,
  bound: ReadonlyMap<string, Binding>,
  recordings: readonly Recording[],
): TextColumn | undefined {
  const input = bound.get('tokens')?.input;
  if (!input) return undefined;
  const lengths = bound.get('token_lengths')?.input.name;
  const fields: Fields = {
    ...askedOf(section, ENCODING_FIELDS),
    ...(lengths === undefined ? {} : { lengths }),
  };
  const known = encodingOf(context.learned?.[input.name]);
  const problems: Diagnostic[] = [];
  if (known) checkAsked(section, ENCODING_FIELDS, known.asked, problems);
  if (problems.length > 0) throw new SpecError(problems);
  const cells = recordings.map(({ transcript }) => transcript ?? null);
  const place = (sample: number): string => recordings[sample]!.place;
  return openTextColumn(section, context, { name: 'transcript', path: [], fields, input, cells }, { place }, USUAL);
}

async function decodeAll(
  section: SectionSpec,
  context: OpenContext,
  recordings: readonly Recording[],
  format: WaveFormat,
): Promise<(readonly Float32Array[])[]> {
  const waves: (readonly Float32Array[])[] = [];
  let held = 0;
  for (const { file } of recordings) {
    try {
      const wave = await decodeRecording(file, format);
      held += wave.length * wave[0]!.length;
      if (held > MAX_SAMPLES) throw new DataFileError('with it there are more than 4 GiB of samples');
      waves.push(wave);
    } catch (error) {
      if (!(error instanceof DataFileError)) throw error;
      const name = `${section.fields.path as string}/${file.name}`;
      throw new SpecError([dataCorrupt(section.at(['path']), name, error.message)]);
    }
    context.onProgress?.({ what: 'decoding recordings', done: waves.length, total: recordings.length });
  }
  return waves;
}
