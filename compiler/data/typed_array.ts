/** Memory for tensors: the typed array of each dtype. bf16 is held as its bits, bool as 0 and 1. */
import type { DType } from '../ir/types';
import type { TypedArray } from './define';

const CONSTRUCTORS = {
  f32: Float32Array,
  f64: Float64Array,
  bf16: Uint16Array,
  u8: Uint8Array,
  i32: Int32Array,
  i64: BigInt64Array,
  bool: Uint8Array,
} as const satisfies Record<DType, unknown>;

export function typedArray(dtype: DType, count: number): TypedArray {
  return new CONSTRUCTORS[dtype](count);
}

/** The same bytes, seen as elements of the dtype; copied only where they do not lie aligned. */
export function viewAs(dtype: DType, bytes: Uint8Array): TypedArray {
  const { BYTES_PER_ELEMENT: size } = CONSTRUCTORS[dtype];
  const { buffer, byteOffset, byteLength } = byteOffsetAligned(bytes, size);
  return new CONSTRUCTORS[dtype](buffer as ArrayBuffer, byteOffset, byteLength / size);
}

export function bytesIn(array: TypedArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function byteOffsetAligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
}
