/**
 * Weights in C: constant arrays of the file, or one binary file that the caller hands over. A tensor is written in each
 * order of its elements that some step reads it in, and in no other.
 */
import type { TypedArray } from '../../../data/define';
import { bytesIn } from '../../../data/typed_array';
import type { DType } from '../../../ir/types';
import { fnv1a64 } from '../../../plan/fnv1a';
import type { KnownTensor } from '../prediction';
import { C_TYPE, storeOf } from './store';
import { doubleLiteral, floatLiteral, identifier, integerLiteral, plainText } from './text';
import { wrapped, type Unit } from './unit';

interface Stored {
  readonly pointer: string;
  readonly dtype: DType;
  readonly data: TypedArray;
  readonly comment: string;
}

/** Numbers that are written at a time. */
const PART = 65536;

/** In floats: where each tensor begins in a binary file. */
const ALIGNMENT = 16;
export const HEADER_BYTES = 64;

export class Weights {
  readonly #stored = new Map<string, Stored>();
  #floats = 0;

  constructor(
    readonly unit: Unit,
    readonly binary: boolean,
  ) {}

  /** The C expression for the tensor, in the order that `form` names. */
  pointer(tensor: KnownTensor, form = '', order: (data: Float32Array) => Float32Array = (data) => data): string {
    const key = `${tensor.name} ${form}`;
    const known = this.#stored.get(key);
    if (known) return known.pointer;
    const data = tensor.data instanceof Float32Array ? order(tensor.data) : tensor.data;
    const { dtype } = tensor;
    const comment = `${tensor.name} [${tensor.shape.join(',')}]${form === '' ? '' : `, ${form}`}`;
    let pointer: string;
    if (this.#isInFile(dtype)) {
      pointer = `w + ${this.#floats}`;
      this.#floats += Math.ceil(data.length / ALIGNMENT) * ALIGNMENT;
    } else {
      pointer = this.unit.names.fresh(`${this.unit.prefix}_w_${identifier(`${tensor.name}${form && `_${form}`}`)}`);
    }
    this.#stored.set(key, { pointer, dtype, data, comment });
    return pointer;
  }

  /** Numbers that are text. */
  get constants(): number {
    return [...this.#stored.values()].reduce(
      (sum, { dtype, data }) => sum + (this.#isInFile(dtype) ? 0 : data.length),
      0,
    );
  }

  #isInFile(dtype: DType): boolean {
    return this.binary && dtype === 'f32';
  }

  /** The constant arrays. */
  *text(): Generator<string> {
    for (const { pointer, dtype, data, comment } of this.#stored.values()) {
      if (this.#isInFile(dtype)) continue;
      yield `/* ${plainText(comment)} */\n`;
      yield `static const ${C_TYPE[storeOf(dtype)]} ${pointer}[${Math.max(1, data.length)}] = {\n`;
      // In parts: the text of a large tensor is longer than a string can be.
      for (let from = 0; from < Math.max(1, data.length); from += PART) {
        const part = data.length === 0 ? ['0'] : literals(data.subarray(from, from + PART));
        yield `${wrapped(part).join('\n')}${from + PART < data.length ? ',' : ''}\n`;
      }
      yield '};\n';
    }
  }

  /** What lies in the binary file, for the comment of the loader. */
  get floats(): number {
    return this.#floats;
  }

  /** Little-endian: a header that names the file's size and sum, then the tensors. */
  file(): Uint8Array {
    const bytes = new Uint8Array(HEADER_BYTES + 4 * this.#floats);
    let at = HEADER_BYTES;
    for (const { dtype, data } of this.#stored.values()) {
      if (!this.#isInFile(dtype)) continue;
      bytes.set(bytesIn(data), at);
      at += 4 * Math.ceil(data.length / ALIGNMENT) * ALIGNMENT;
    }
    const view = new DataView(bytes.buffer);
    bytes.set(Buffer.from('DLCW0001'));
    view.setBigUint64(8, BigInt(bytes.length), true);
    const { low, high } = fnv1a64(bytes.subarray(HEADER_BYTES));
    view.setUint32(16, low, true);
    view.setUint32(20, high, true);
    view.setFloat32(24, 1, true);
    return bytes;
  }
}

function literals(data: TypedArray): string[] {
  if (data instanceof Float32Array) return Array.from(data, floatLiteral);
  if (data instanceof Float64Array) return Array.from(data, doubleLiteral);
  return Array.from(data as ArrayLike<number | bigint>, (value) => integerLiteral(BigInt(value)));
}
