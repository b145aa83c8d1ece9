/** The constant section: tensors known at compile time, in the bytes of their dtype, equal ones stored once. */
import { bfloat16Bits } from '../ir/bfloat16';
import type { Node } from '../ir/graph';
import { byteSizeOf, bytesOf, type DType, type TensorType } from '../ir/types';
import { constantTensor } from '../passes/fold';
import { fnv1a64, formatHash } from './fnv1a';
import { align } from './liveness';

export class ConstantPool {
  readonly #parts: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  readonly #offsetOf = new Map<string, { readonly offset: number; readonly bytes: Uint8Array }[]>();
  #size = 0;

  /** Where the constant stands. */
  add(node: Node): number {
    const { type, data } = constantTensor(node);
    const bytes = bytesOfTensor(type, data);
    const key = `${bytes.length}:${formatHash(fnv1a64(bytes))}`;
    const alike = this.#offsetOf.get(key) ?? [];
    const existing = alike.find((part) => part.bytes.every((byte, i) => byte === bytes[i]));
    if (existing) return existing.offset;
    const part = { offset: this.#size, bytes };
    this.#size += align(bytes.length);
    this.#parts.push(part);
    this.#offsetOf.set(key, [...alike, part]);
    return part.offset;
  }

  bytes(): Uint8Array {
    const section = new Uint8Array(this.#size);
    for (const { offset, bytes } of this.#parts) section.set(bytes, offset);
    return section;
  }
}

type Write = (view: DataView, at: number, value: number) => void;

const WRITE: Readonly<Record<DType, Write>> = {
  f32: (view, at, value) => {
    view.setFloat32(at, value, true);
  },
  f64: (view, at, value) => {
    view.setFloat64(at, value, true);
  },
  bf16: (view, at, value) => {
    view.setUint16(at, bfloat16Bits(value), true);
  },
  u8: (view, at, value) => {
    view.setUint8(at, value);
  },
  i32: (view, at, value) => {
    view.setInt32(at, value, true);
  },
  i64: (view, at, value) => {
    view.setBigInt64(at, BigInt(value), true);
  },
  bool: (view, at, value) => {
    view.setUint8(at, value === 0 ? 0 : 1);
  },
};

/** Row major, little-endian. */
export function bytesOfTensor(type: TensorType, data: Float64Array): Uint8Array {
  const bytes = new Uint8Array(bytesOf(type));
  const view = new DataView(bytes.buffer);
  const size = byteSizeOf(type.dtype);
  const write = WRITE[type.dtype];
  data.forEach((value, i) => {
    write(view, i * size, value);
  });
  return bytes;
}
