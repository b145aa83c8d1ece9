/** Encoded texts, one after the other in one array, as rows of a batch. */
import type { TypedArray } from '../define';
import { DataFileError } from '../idx_file';
import { writeLabel } from '../pixels';
import type { TextCodec } from './encoding';

export class EncodedTexts {
  #ids = new Int32Array(1024);
  readonly #starts: Float64Array;

  constructor(
    private readonly codec: TextCodec,
    /** Tokens of a row. */
    private readonly length: number,
    texts: readonly string[],
    refuse: (sample: number, problem: string) => never,
  ) {
    this.#starts = new Float64Array(texts.length + 1);
    let end = 0;
    for (const [sample, text] of texts.entries()) {
      let ids: readonly number[];
      try {
        ids = codec.fitted(codec.encode(text), length);
      } catch (error) {
        if (!(error instanceof DataFileError)) throw error;
        return refuse(sample, error.message);
      }
      while (end + ids.length > this.#ids.length) this.#grow();
      this.#ids.set(ids, end);
      end += ids.length;
      this.#starts[sample + 1] = end;
    }
  }

  lengthOf(sample: number): number {
    return this.#starts[sample + 1]! - this.#starts[sample]!;
  }

  writeTokens(sample: number, into: TypedArray, at: number): void {
    const count = this.lengthOf(sample);
    const [first, shift] = [this.#starts[sample]!, this.#shift(count)];
    const { padding } = this.codec;
    for (let i = 0; i < this.length; i++) {
      const inside = i >= shift && i < shift + count;
      writeLabel(into, at + i, inside ? this.#ids[first + i - shift]! : padding);
    }
  }

  writeMask(sample: number, into: TypedArray, at: number): void {
    const count = this.lengthOf(sample);
    const shift = this.#shift(count);
    for (let i = 0; i < this.length; i++) writeLabel(into, at + i, i >= shift && i < shift + count ? 1 : 0);
  }

  #shift(count: number): number {
    return this.codec.encoding.pad === 'end' ? 0 : this.length - count;
  }

  #grow(): void {
    const larger = new Int32Array(2 * this.#ids.length);
    larger.set(this.#ids);
    this.#ids = larger;
  }
}
