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

export function bytesIn(array: TypedArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
