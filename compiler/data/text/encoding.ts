/**
 * Texts as numbers: what is learned of the training texts (the encoding, plain JSON) and what applies it (the codec).
 * Ids begin with the special tokens that are in use, in the order padding, unknown, start, end; then come the
 * characters, words or bytes, then byte pairs.
 */
import { DataFileError } from '../idx_file';
import { isFields, isTexts } from '../learned';
import type { Fields, Json } from '../../frontend/spec';
import { BytePairs, type Merge } from './bpe';

export const TOKENIZERS = ['character', 'byte', 'word', 'bpe'] as const;
export type Tokenizer = (typeof TOKENIZERS)[number];
export const PUNCTUATION = ['separate', 'drop', 'keep'] as const;
export const UNKNOWN = ['token', 'drop', 'error'] as const;
export const SIDES = ['end', 'start'] as const;

export interface TextEncoding {
  readonly kind: 'text';
  readonly tokenizer: Tokenizer;
  readonly lowercase: boolean;
  readonly punctuation: (typeof PUNCTUATION)[number];
  readonly unknown: (typeof UNKNOWN)[number];
  readonly pad: (typeof SIDES)[number];
  readonly truncate: (typeof SIDES)[number];
  /** The names of the special tokens in use, by id. */
  readonly specials: readonly string[];
  /** Characters or words, by id after the special tokens; empty for bytes. */
  readonly vocabulary: readonly string[];
  readonly merges: readonly Merge[];
  /** The fields that the training section wrote. */
  readonly asked: Fields;
}

export const PADDING = '<pad>';
export const UNKNOWN_TOKEN = '<unk>';
export const START = '<start>';
export const END = '<end>';

const WORDS = /[\p{L}\p{N}\p{M}]+(?:['’][\p{L}]+)*|[^\s\p{L}\p{N}\p{M}]/gu;
const PLAIN_WORDS = /[\p{L}\p{N}\p{M}]+(?:['’][\p{L}]+)*/gu;

/** Characters or words, before they have numbers. */
export function tokensOf(
  text: string,
  how: Pick<TextEncoding, 'tokenizer' | 'lowercase' | 'punctuation'>,
): readonly string[] {
  const composed = text.normalize('NFC');
  const given = how.lowercase ? composed.toLowerCase() : composed;
  if (how.tokenizer === 'character') return Array.from(given);
  if (how.punctuation === 'keep') return given.match(/\S+/g) ?? [];
  return given.match(how.punctuation === 'drop' ? PLAIN_WORDS : WORDS) ?? [];
}

export class TextCodec {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #pairs: BytePairs | undefined;
  readonly #special: Readonly<Record<string, number | undefined>>;

  constructor(readonly encoding: TextEncoding) {
    const { specials, vocabulary, tokenizer, merges } = encoding;
    this.#special = Object.fromEntries(specials.map((name, id) => [name, id]));
    this.#ids = new Map(vocabulary.map((token, i) => [token, specials.length + i]));
    if (tokenizer === 'byte' || tokenizer === 'bpe') this.#pairs = new BytePairs(merges);
  }

  /** How many numbers there are: ids are below it. */
  get size(): number {
    return this.encoding.specials.length + (this.#pairs ? this.#pairs.size : this.#ids.size);
  }

  get padding(): number {
    return this.#special[PADDING] ?? 0;
  }

  /** The numbers of a text, without start, end and padding. Throws a DataFileError where a token is not known. */
  encode(text: string): number[] {
    const { unknown, specials, lowercase } = this.encoding;
    if (this.#pairs) {
      const given = lowercase ? text.toLowerCase() : text;
      return this.#pairs.encode(given).map((symbol) => specials.length + symbol);
    }
    const ids: number[] = [];
    for (const token of tokensOf(text, this.encoding)) {
      const id = this.#ids.get(token) ?? this.#special[UNKNOWN_TOKEN];
      if (id !== undefined) ids.push(id);
      else if (unknown === 'error') throw new DataFileError(`${JSON.stringify(token)} is not in the vocabulary`);
    }
    return ids;
  }

  /** The numbers with start and end, at most `length` of them. */
  fitted(ids: readonly number[], length: number): readonly number[] {
    const before = this.#special[START] === undefined ? [] : [this.#special[START]];
    const after = this.#special[END] === undefined ? [] : [this.#special[END]];
    const room = Math.max(0, length - before.length - after.length);
    const kept =
      ids.length <= room ? ids : this.encoding.truncate === 'end' ? ids.slice(0, room) : ids.slice(ids.length - room);
    return [...before, ...kept, ...after].slice(0, length);
  }

  /** The text again, up to white space between words; special tokens are left out. */
  decode(ids: Iterable<number>): string {
    const { specials, vocabulary, tokenizer } = this.encoding;
    const symbols = [...ids].map((id) => id - specials.length).filter((symbol) => symbol >= 0);
    if (this.#pairs) return Buffer.concat(symbols.map((s) => this.#pairs!.bytesOf(s) ?? Buffer.alloc(0))).toString();
    return symbols.map((symbol) => vocabulary[symbol] ?? '').join(tokenizer === 'word' ? ' ' : '');
  }
}

const among = <T extends string>(words: readonly T[], value: Json | undefined): value is T =>
  words.some((word) => word === value);

const isMerge = (value: Json, index: number): boolean =>
  Array.isArray(value) &&
  value.length === 2 &&
  value.every((symbol: Json) => Number.isInteger(symbol) && Number(symbol) >= 0 && Number(symbol) < 256 + index);

/** An encoding out of a weight file, checked; undefined where it is none. */
export function encodingOf(entry: Json | undefined): TextEncoding | undefined {
  if (!isFields(entry) || entry.kind !== 'text') return undefined;
  const { tokenizer, lowercase, punctuation, unknown, pad, truncate, specials, vocabulary, merges, asked } = entry;
  if (!among(TOKENIZERS, tokenizer) || typeof lowercase !== 'boolean' || !among(PUNCTUATION, punctuation))
    return undefined;
  if (!among(UNKNOWN, unknown) || !among(SIDES, pad) || !among(SIDES, truncate) || !isFields(asked)) return undefined;
  if (!isTexts(specials) || !isTexts(vocabulary) || !Array.isArray(merges)) return undefined;
  if (!merges.every((merge: Json, index: number) => isMerge(merge, index))) return undefined;
  return {
    kind: 'text',
    ...{ tokenizer, lowercase, punctuation, unknown, pad, truncate, specials, vocabulary, asked },
    merges: merges as unknown as readonly Merge[],
  };
}
