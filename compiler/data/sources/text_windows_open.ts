/** Opens `type: text_windows`: the text as one array of token numbers, of which samples are cut when they are read. */
import { conflictingFields, dataCorrupt, dataMismatch, invalidValue } from '../../diagnostics/catalogue';
import type { Diagnostic } from '../../diagnostics/diagnostic';
import { SpecError } from '../../diagnostics/errors';
import type { InputSpec, SectionSpec } from '../../frontend/spec';
import { bindParts, describeInput, isIntegerInput, isLabelInput, type Binding } from '../bind';
import type { Dataset, OpenContext, TypedArray } from '../define';
import { DataFileError } from '../idx_file';
import { checkAsked, notLearned } from '../learned';
import { resolveDataPath } from '../paths';
import { shuffles, writeLabel } from '../pixels';
import { wholeText, type Encoding } from '../table/text_file';
import { TextCodec, encodingOf, type TextEncoding } from '../text/encoding';
import { ENCODING_FIELDS, givenVocabulary, isLearned, learnEncoding, plannedEncoding } from '../text/learn';

const USUAL = { tokenizer: 'character', unknown: 'error', padded: false } as const;

interface WindowFields {
  readonly file: string;
  readonly encoding?: Encoding;
  readonly part?: { readonly from?: number; readonly to?: number };
  readonly stride?: number;
  readonly streams?: number;
}

export async function openTextWindows(section: SectionSpec, context: OpenContext): Promise<Dataset> {
  const problems: Diagnostic[] = [];
  const bound = bindWindows(section, context, problems);
  const fields = section.fields as unknown as WindowFields;
  if (fields.streams !== undefined && section.fields.shuffle === true)
    problems.push(conflictingFields(section.at(['streams']), ['streams', 'shuffle'], 'contradict each other'));
  const tokens = bound.get('tokens');
  if (problems.length > 0 || !tokens) throw new SpecError(problems);
  const text = await partOf(section, context, fields);
  const encoding = encodingFor(section, context, tokens.input.name, text);
  const ids = encoded(section, encoding, text);
  const windows = new Windows(ids, tokens.shape[0]!, fields);
  if (windows.size === 0) {
    throw new SpecError([
      dataCorrupt(section.at(['file']), fields.file, `has ${ids.length} tokens, too few for a window and what is next`),
    ]);
  }
  return {
    size: windows.size,
    fields: [...bound.values()].map(({ input, shape }) => ({ input: input.name, dtype: input.dtype, shape })),
    shuffle: fields.streams === undefined && shuffles(section.fields, context.mode),
    learned: { [tokens.input.name]: { ...encoding, merges: encoding.merges.map((merge) => [...merge]) } },
    read(indices, _how, into) {
      for (const [part, { input, shape }] of bound) {
        const rows = into[input.name];
        if (!rows) continue;
        const width = shape[0] ?? 1;
        for (let row = 0; row < indices.length; row++) {
          windows.write(part, indices[row]!, shape.length === 0, rows, row * width);
        }
      }
    },
    close: () => undefined,
  };
}

/** Where the windows lie. */
class Windows {
  readonly size: number;
  readonly #stride: number;
  readonly #streams: number;
  /** Windows of a stream. */
  readonly #each: number;

  constructor(
    private readonly ids: Int32Array,
    private readonly length: number,
    { stride = length, streams = 1 }: WindowFields,
  ) {
    const stretch = Math.floor((ids.length - 1) / streams);
    this.#stride = stride;
    this.#streams = streams;
    this.#each = Math.max(0, Math.floor((stretch - length) / stride) + 1);
    this.size = this.#each * streams;
  }

  write(part: string, sample: number, single: boolean, into: TypedArray, at: number): void {
    const { ids, length } = this;
    const stream = sample % this.#streams;
    const window = Math.floor(sample / this.#streams);
    const first = stream * Math.floor((ids.length - 1) / this.#streams) + window * this.#stride;
    if (part === 'continues') {
      for (let i = 0; i < (single ? 1 : length); i++) writeLabel(into, at + i, window > 0 || i > 0 ? 1 : 0);
    } else if (single) writeLabel(into, at, ids[first + length]!);
    else for (let i = 0; i < length; i++) writeLabel(into, at + i, ids[first + i + (part === 'next' ? 1 : 0)]!);
  }
}

function bindWindows(section: SectionSpec, context: OpenContext, problems: Diagnostic[]): Map<string, Binding> {
  const isWindow = (input: InputSpec): boolean => isIntegerInput(input) && input.shape.length === 2;
  const bound = bindParts(
    section,
    context,
    [
      { name: 'tokens', present: true, accepts: [isWindow] },
      { name: 'next', present: true, accepts: [isWindow, isLabelInput] },
      { name: 'continues', present: true, accepts: [() => false] },
    ],
    problems,
  );
  const tokens = bound.get('tokens');
  if (!tokens && problems.length === 0)
    problems.push(dataMismatch(section.at([]), 'no input of the model takes the tokens, integers [N, T]', []));
  for (const [part, { input, shape }] of bound) {
    const integer = part === 'continues' || isIntegerInput(input);
    const single = shape.length === 0 && part !== 'tokens';
    if (integer && (single || (shape.length === 1 && shape[0] === tokens?.shape[0]))) continue;
    problems.push(
      dataMismatch(section.at([]), `\`${part}\` does not fit the input \`${input.name}\``, [
        { name: input.name, type: describeInput(input), at: input.origin.at },
      ]),
    );
  }
  return bound;
}

async function partOf(section: SectionSpec, context: OpenContext, fields: WindowFields): Promise<string> {
  const { from = 0, to = 1 } = fields.part ?? {};
  if (from >= to)
    throw new SpecError([invalidValue(section.at(['part']), 'part', `\`from\` ${from} is not below \`to\` ${to}`)]);
  const file = resolveDataPath(section, ['file'], fields.file, context);
  try {
    const text = await wholeText(file, fields.encoding ?? 'utf8');
    return text.slice(...[from, to].map((share) => Math.round(share * text.length)));
  } catch (error) {
    if (!(error instanceof DataFileError)) throw error;
    throw new SpecError([dataCorrupt(section.at(['file']), fields.file, error.message)]);
  }
}

function encodingFor(section: SectionSpec, context: OpenContext, input: string, text: string): TextEncoding {
  const known = encodingOf(context.learned?.[input]);
  if (known) {
    const problems: Diagnostic[] = [];
    checkAsked(section, ENCODING_FIELDS, known.asked, problems);
    if (problems.length > 0) throw new SpecError(problems);
    return known;
  }
  const place = { section, path: [], fields: section.fields };
  // A prediction goes on from the end of what it is given.
  const plan: TextEncoding = { ...plannedEncoding(place, USUAL), truncate: 'start' };
  if (!isLearned(place, plan)) return givenVocabulary(place, plan, context);
  if (context.mode !== 'train') throw new SpecError([notLearned(section, 'the vocabulary')]);
  return learnEncoding(place, plan, [text]);
}

function encoded(section: SectionSpec, encoding: TextEncoding, text: string): Int32Array {
  try {
    return Int32Array.from(new TextCodec(encoding).encode(text));
  } catch (error) {
    if (!(error instanceof DataFileError)) throw error;
    throw new SpecError([dataCorrupt(section.at(['file']), section.fields.file as string, error.message)]);
  }
}
