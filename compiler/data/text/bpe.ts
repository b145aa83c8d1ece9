/**
 * Byte-pair encoding over bytes (Sennrich et al. 2016; bytes as in GPT-2), learned of the data: the pair of neighbours
 * that occurs most often becomes one symbol, again and again. Pairs are joined within words only. Every text can be
 * encoded, and comes back to the byte. Symbols 0 to 255 are the bytes, 256 + i is merge i.
 */

export type Merge = readonly [left: number, right: number];

/** A word with the space before it, a number, punctuation, or white space. */
const PIECES = / ?\p{L}[\p{L}\p{M}]*| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

export function piecesOf(text: string): readonly string[] {
  return text.match(PIECES) ?? [];
}

const SHIFT = 2 ** 26;
const keyOf = (left: number, right: number): number => left * SHIFT + right;

/** Counted pairs, and which words they occur in. */
class Pairs {
  readonly counts = new Map<number, number>();
  readonly #words = new Map<number, Set<number>>();

  constructor(
    readonly words: number[][],
    readonly times: readonly number[],
  ) {
    for (let word = 0; word < words.length; word++) this.add(word, 1);
  }

  /** Counts the pairs of a word in, or (−1) out. */
  add(word: number, sign: 1 | -1): void {
    const symbols = this.words[word]!;
    for (let i = 1; i < symbols.length; i++) {
      const key = keyOf(symbols[i - 1]!, symbols[i]!);
      const count = (this.counts.get(key) ?? 0) + sign * this.times[word]!;
      if (count > 0) this.counts.set(key, count);
      else this.counts.delete(key);
      let among = this.#words.get(key);
      if (!among) this.#words.set(key, (among = new Set()));
      if (sign > 0) among.add(word);
    }
  }

  /** The most frequent pair; of equals the one with the lowest symbols. */
  best(): { readonly key: number; readonly count: number } {
    let [best, most] = [-1, 0];
    for (const [key, count] of this.counts) {
      if (count > most || (count === most && key < best)) [best, most] = [key, count];
    }
    return { key: best, count: most };
  }

  join(key: number, symbol: number): void {
    const among = this.#words.get(key) ?? [];
    this.#words.delete(key);
    const [left, right] = [Math.floor(key / SHIFT), key % SHIFT];
    for (const word of among) {
      this.add(word, -1);
      this.words[word] = joined(this.words[word]!, left, right, symbol);
      this.add(word, 1);
    }
  }
}

function joined(symbols: readonly number[], left: number, right: number, symbol: number): number[] {
  const result: number[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const here = symbols[i]!;
    if (here === left && symbols[i + 1] === right) {
      result.push(symbol);
      i++;
    } else result.push(here);
  }
  return result;
}

/** At most `count` merges, of pairs that occur at least `least` times. */
export function learnMerges(texts: Iterable<string>, count: number, least: number): Merge[] {
  const words = new Map<string, number>();
  for (const text of texts) for (const piece of piecesOf(text)) words.set(piece, (words.get(piece) ?? 0) + 1);
  const pairs = new Pairs(
    [...words.keys()].map((word) => [...Buffer.from(word)]),
    [...words.values()],
  );
  const merges: Merge[] = [];
  while (merges.length < count) {
    const best = pairs.best();
    if (best.key < 0 || best.count < least) break;
    pairs.join(best.key, 256 + merges.length);
    merges.push([Math.floor(best.key / SHIFT), best.key % SHIFT]);
  }
  return merges;
}

const MAX_CACHED = 100_000;

export class BytePairs {
  readonly #ranks: ReadonlyMap<number, number>;
  readonly #bytes: readonly Buffer[];
  readonly #cache = new Map<string, readonly number[]>();

  constructor(merges: readonly Merge[]) {
    this.#ranks = new Map(merges.map(([left, right], rank) => [keyOf(left, right), rank]));
    const bytes = Array.from({ length: 256 }, (_, byte) => Buffer.of(byte));
    for (const [left, right] of merges) bytes.push(Buffer.concat([bytes[left]!, bytes[right]!]));
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  encode(text: string): number[] {
    const symbols: number[] = [];
    for (const piece of piecesOf(text)) for (const symbol of this.#piece(piece)) symbols.push(symbol);
    return symbols;
  }

  bytesOf(symbol: number): Buffer | undefined {
    return this.#bytes[symbol];
  }

  #piece(piece: string): readonly number[] {
    const known = this.#cache.get(piece);
    if (known) return known;
    let symbols: number[] = [...Buffer.from(piece)];
    for (;;) {
      let first = Infinity;
      for (let i = 1; i < symbols.length; i++) {
        first = Math.min(first, this.#ranks.get(keyOf(symbols[i - 1]!, symbols[i]!)) ?? Infinity);
      }
      if (first === Infinity) break;
      const at = symbols.findIndex((left, i) => this.#ranks.get(keyOf(left, symbols[i + 1] ?? SHIFT - 1)) === first);
      symbols = joined(symbols, symbols[at]!, symbols[at + 1]!, 256 + first);
    }
    if (this.#cache.size < MAX_CACHED) this.#cache.set(piece, symbols);
    return symbols;
  }
}
