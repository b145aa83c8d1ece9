/** From the fields of a section and the training texts to the encoding. */
import { readFileSync } from 'node:fs';
import { conflictingFields, dataCorrupt, invalidValue } from '../../diagnostics/catalogue';
import { SpecError } from '../../diagnostics/errors';
import type { Fields, SectionSpec } from '../../frontend/spec';
import type { OpenContext } from '../define';
import { askedOf } from '../learned';
import { reasonOf, resolveDataPath } from '../paths';
import { learnMerges } from './bpe';
import { END, PADDING, START, tokensOf, UNKNOWN_TOKEN, type TextEncoding } from './encoding';
import { encodingFields } from './fields';

/** Where the fields stand: in the section itself, or in one of its columns. */
export interface Place {
  readonly section: SectionSpec;
  readonly path: readonly string[];
  readonly fields: Fields;
}

/** What sources that share the fields take for granted where nothing is said. */
export interface Usual {
  readonly tokenizer: TextEncoding['tokenizer'];
  readonly unknown: TextEncoding['unknown'];
  /** Whether texts are filled up to one length. */
  readonly padded: boolean;
}

interface VocabularyFields {
  readonly size?: number;
  readonly min_count?: number;
  readonly file?: string;
  readonly tokens?: readonly string[];
}

export const ENCODING_FIELDS: readonly string[] = Object.keys(encodingFields);

/** The encoding but for what is to be learned. Throws a SpecError where fields contradict each other. */
export function plannedEncoding({ section, path, fields }: Place, usual: Usual): TextEncoding {
  const asked = fields as Partial<TextEncoding> & { readonly start?: boolean; readonly end?: boolean };
  const { tokenizer = usual.tokenizer } = asked;
  const conflict = (names: readonly string[], problem: string): never => {
    throw new SpecError([conflictingFields(section.at([...path, names[0]!]), names, problem)]);
  };
  if (fields.punctuation !== undefined && tokenizer !== 'word')
    conflict(['punctuation'], 'is a matter of words: it takes `tokenizer: word`');
  const bytes = tokenizer === 'byte' || tokenizer === 'bpe';
  if (bytes && fields.unknown !== undefined) conflict(['unknown'], 'has no effect: every byte is known');
  if (tokenizer === 'byte' && fields.vocabulary !== undefined)
    conflict(['vocabulary'], 'has no effect: there are 256 bytes');
  const { unknown = usual.unknown } = asked;
  const specials = [
    ...(usual.padded ? [PADDING] : []),
    ...(!bytes && unknown === 'token' ? [UNKNOWN_TOKEN] : []),
    ...(asked.start === true ? [START] : []),
    ...(asked.end === true ? [END] : []),
  ];
  return {
    kind: 'text',
    ...{ tokenizer, unknown, specials },
    lowercase: asked.lowercase ?? tokenizer === 'word',
    punctuation: asked.punctuation ?? 'separate',
    pad: asked.pad ?? 'end',
    truncate: asked.truncate ?? 'end',
    vocabulary: [],
    merges: [],
    asked: askedOf({ ...section, fields }, ENCODING_FIELDS),
  };
}

/** Whether training texts are needed. */
export function isLearned({ fields }: Place, { tokenizer }: TextEncoding): boolean {
  const { file, tokens } = (fields.vocabulary ?? {}) as VocabularyFields;
  return tokenizer !== 'byte' && file === undefined && tokens === undefined;
}

/** The tokens that a section lists or that lie in a file, if any. */
export function givenVocabulary(place: Place, plan: TextEncoding, context: OpenContext): TextEncoding {
  const { section, path, fields } = place;
  const { file, tokens, size, min_count } = (fields.vocabulary ?? {}) as VocabularyFields;
  if (file === undefined && tokens === undefined) return plan;
  const at = section.at([...path, 'vocabulary']);
  if (plan.tokenizer === 'bpe' || (file !== undefined && tokens !== undefined) || (size ?? min_count) !== undefined) {
    const problem =
      plan.tokenizer === 'bpe' ? 'byte pairs are learned: say `size`' : 'a list of tokens goes with nothing else';
    throw new SpecError([invalidValue(at, 'vocabulary', problem)]);
  }
  const listed = tokens ?? readTokens(place, file!, context);
  const twice = listed.find((token, i) => listed.indexOf(token) !== i && new Set(listed).size !== listed.length);
  if (twice !== undefined)
    throw new SpecError([invalidValue(at, 'vocabulary', `${JSON.stringify(twice)} is listed twice`)]);
  const { specials } = plan;
  return { ...plan, vocabulary: listed.filter((token) => !specials.includes(token)) };
}

function readTokens({ section, path }: Place, file: string, context: OpenContext): readonly string[] {
  const field = [...path, 'vocabulary', 'file'];
  const real = resolveDataPath(section, field, file, context);
  try {
    const lines = readFileSync(real, 'utf8').split(/\r?\n/);
    return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
  } catch (error) {
    throw new SpecError([dataCorrupt(section.at(field), file, reasonOf(error))]);
  }
}

const DEFAULT_PAIRS = 1024;

/** Learns vocabulary or byte pairs from the texts. */
export function learnEncoding(place: Place, plan: TextEncoding, texts: Iterable<string>): TextEncoding {
  const { section, path, fields } = place;
  const { size, min_count: least } = (fields.vocabulary ?? {}) as VocabularyFields;
  const { specials, tokenizer } = plan;
  const refuse = (problem: string): never => {
    throw new SpecError([invalidValue(section.at([...path, 'vocabulary']), 'vocabulary', problem)]);
  };
  if (tokenizer === 'bpe') {
    const room = (size ?? DEFAULT_PAIRS) - specials.length - 256;
    if (room < 0) refuse(`\`size\` counts ${specials.length} special tokens and 256 bytes too`);
    return { ...plan, merges: learnMerges(lowered(texts, plan.lowercase), room, least ?? 2) };
  }
  const counts = new Map<string, number>();
  for (const text of texts) for (const token of tokensOf(text, plan)) counts.set(token, (counts.get(token) ?? 0) + 1);
  for (const special of specials) counts.delete(special);
  const byCount = [...counts]
    .filter(([, count]) => count >= (least ?? 1))
    .sort(([a, m], [b, n]) => n - m || order(a, b));
  const room = size === undefined ? byCount.length : size - specials.length;
  if (room < 1) refuse(`\`size\` counts ${specials.length} special tokens too: no room is left`);
  const kept = byCount.slice(0, room).map(([token]) => token);
  if (kept.length === 0) refuse('no token is left of the training texts');
  return { ...plan, vocabulary: tokenizer === 'character' ? kept.sort(order) : kept };
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function* lowered(texts: Iterable<string>, lowercase: boolean): Iterable<string> {
  for (const text of texts) yield lowercase ? text.toLowerCase() : text;
}
