/** The constant section: tensors known at compile time, in the bytes of their dtype, equal ones stored once. */
import { InternalError } from '../diagnostics/errors';
import type { Node } from '../ir/graph';
import { bytesOf, type TensorType } from '../ir/types';
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

/** Row major, little-endian. */
export function bytesOfTensor(type: TensorType, data: Float64Array): Uint8Array {
  const bytes = new Uint8Array(bytesOf(type));
  const view = new DataView(bytes.buffer);
  data.forEach((value, i) => {
    switch (type.dtype) {
      case 'f32':
        return view.setFloat32(i * 4, value, true);
      case 'f64':
        return view.setFloat64(i * 8, value, true);
      case 'bf16':
        return view.setUint16(i * 2, bfloat16(value), true);
      case 'i32':
        return view.setInt32(i * 4, value, true);
      case 'i64':
        return view.setBigInt64(i * 8, BigInt(value), true);
      case 'u8':
        return view.setUint8(i, value);
      case 'bool':
        return view.setUint8(i, value === 0 ? 0 : 1);
      default:
        throw new InternalError(`constants of ${String(type.dtype)} have no bytes`);
    }
  });
  return bytes;
}

/** The upper half of the float32, rounded to nearest, ties to even; NaN stays NaN. */
function bfloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  const scratch = new DataView(new ArrayBuffer(4));
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  return Math.floor((bits + 0x7fff + ((bits >>> 16) & 1)) / 0x10000) & 0xffff;
}
