/** A column of texts: tokens in an input of its own, lengths and mask beside it. */
import { dataCorrupt, dataMismatch, unknownReference } from '../../diagnostics/catalogue';
import { SpecError } from '../../diagnostics/errors';
import type { Fields, InputSpec, SectionSpec } from '../../frontend/spec';
import { describeInput, isIntegerInput } from '../bind';
import type { OpenContext, TypedArray } from '../define';
import { writeLabel } from '../pixels';
import { encodingOf, TextCodec, type TextEncoding } from '../text/encoding';
import { givenVocabulary, isLearned, learnEncoding, plannedEncoding, type Usual } from '../text/learn';
import { EncodedTexts } from '../text/rows';
import { cellText, type Cell, type Table } from './read';

const USUAL: Usual = { tokenizer: 'word', unknown: 'token', padded: true };

export interface TextColumn {
  readonly isKnown: boolean;
  /** Names of the inputs of lengths and mask. */
  readonly companions: readonly string[];
  learn(chosen: Uint32Array): void;
  read(indices: ArrayLike<number>, into: Readonly<Record<string, TypedArray>>): void;
  learned(): [string, Fields][];
}

interface Given {
  readonly name: string;
  /** Where its fields stand. */
  readonly path?: readonly string[];
  readonly fields: Fields;
  readonly input: InputSpec;
  readonly cells: readonly Cell[];
}

export function openTextColumn(
  section: SectionSpec,
  context: OpenContext,
  entry: Given,
  table: Pick<Table, 'place'>,
  usual: Usual = USUAL,
): TextColumn {
  const { name, fields, input, path = ['columns', name] } = entry;
  const length = input.shape[1];
  if (!isIntegerInput(input) || input.shape.length !== 2 || typeof length !== 'number') {
    throw new SpecError([
      dataMismatch(section.at(path), 'a text goes to an input of integers [N, T]', [
        { name: input.name, type: describeInput(input), at: input.origin.at },
      ]),
    ]);
  }
  const lengths = companion(section, context, entry, 'lengths', 1);
  const mask = companion(section, context, entry, 'mask', 2);
  const place = { section, path, fields };
  const texts = entry.cells.map((cell) => (cell === null ? '' : cellText(cell)));
  let encoding: TextEncoding | undefined;
  let rows: EncodedTexts | undefined;
  const encode = (found: TextEncoding): void => {
    encoding = found;
    rows = new EncodedTexts(new TextCodec(found), length, texts, (row, problem) => {
      throw new SpecError([dataCorrupt(section.at(['file']), table.place(row), `\`${name}\` ${problem}`)]);
    });
  };
  const plan = plannedEncoding(place, usual);
  const known = encodingOf(context.learned?.[input.name]);
  if (known) encode(known);
  else if (!isLearned(place, plan)) encode(givenVocabulary(place, plan, context));
  return {
    isKnown: rows !== undefined,
    companions: [lengths, mask].flatMap((found) => (found ? [found.name] : [])),
    learn(chosen) {
      if (!encoding)
        encode(
          learnEncoding(
            place,
            plan,
            Array.from(chosen, (row) => texts[row]!),
          ),
        );
    },
    read(indices, into) {
      const [tokens, counts, marks] = [input, lengths, mask].map((found) => found && into[found.name]);
      for (let row = 0; row < indices.length; row++) {
        if (tokens) rows!.writeTokens(indices[row]!, tokens, row * length);
        if (counts) writeLabel(counts, row, rows!.lengthOf(indices[row]!));
        if (marks) rows!.writeMask(indices[row]!, marks, row * length);
      }
    },
    learned: () => [
      ...(encoding
        ? [[input.name, { ...entryFields(encoding), columns: { [name]: fields } }] as [string, Fields]]
        : []),
      ...(lengths ? [[lengths.name, { kind: 'text_lengths', of: input.name }] as [string, Fields]] : []),
      ...(mask ? [[mask.name, { kind: 'text_mask', of: input.name }] as [string, Fields]] : []),
    ],
  };
}

const entryFields = (encoding: TextEncoding): Fields => ({
  ...encoding,
  merges: encoding.merges.map((merge) => [...merge]),
});

function companion(
  section: SectionSpec,
  context: OpenContext,
  { name, fields, input, path = ['columns', name] }: Given,
  field: 'lengths' | 'mask',
  rank: number,
): InputSpec | undefined {
  const wanted = fields[field];
  if (typeof wanted !== 'string') return undefined;
  const found = context.inputs.find((candidate) => candidate.name === wanted);
  if (!found) {
    if (context.mode === 'predict' || context.unread?.includes(wanted) === true) return undefined;
    const known = context.inputs.map((candidate) => candidate.name);
    throw new SpecError([unknownReference(section.at([...path, field]), wanted, 'model input', known)]);
  }
  const fits = found.shape.length === rank && (rank === 1 ? isIntegerInput(found) : found.shape[1] === input.shape[1]);
  if (fits) return found;
  throw new SpecError([
    dataMismatch(section.at([...path, field]), `the ${field} of the texts do not fit`, [
      { name: found.name, type: describeInput(found), at: found.origin.at },
    ]),
  ]);
}
