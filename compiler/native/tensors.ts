/** How tensors cross into the runtime: one typed array type for each dtype, little-endian, row major. */
import { InternalError } from '../diagnostics/errors';
import type { DType, Shape } from '../ir/types';
import { elementCount, formatType } from '../ir/types';

export type TensorData = Float32Array | Float64Array | Uint16Array | Uint8Array | Int32Array | BigInt64Array;

/** bf16 crosses as its bits, bool as 0 and 1. */
const CONSTRUCTORS = {
  f32: Float32Array,
  f64: Float64Array,
  bf16: Uint16Array,
  u8: Uint8Array,
  i32: Int32Array,
  i64: BigInt64Array,
  bool: Uint8Array,
} as const satisfies Record<DType, unknown>;

export interface PortType {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

export function allocateTensor(type: PortType, steps = 1): TensorData {
  return new CONSTRUCTORS[type.dtype](elementCount(type.shape) * steps);
}

/** A tensor where it lies in `bytes`, which begin at a multiple of 8 in their memory. */
export function viewTensor(type: PortType, bytes: Uint8Array): TensorData {
  return new CONSTRUCTORS[type.dtype](bytes.buffer as ArrayBuffer, bytes.byteOffset, elementCount(type.shape));
}

/** The runtime checks sizes in bytes; this says in the caller's words what does not fit. */
export function checkTensor(data: TensorData, type: PortType, steps = 1): void {
  const expected = CONSTRUCTORS[type.dtype].name;
  // By name: arrays of another realm (a test's, a worker's) are as good.
  const found = Object.prototype.toString.call(data).slice(8, -1);
  const count = elementCount(type.shape) * steps;
  if (found !== expected || data.length !== count) {
    throw new InternalError(
      `'${type.name}' is ${formatType(type)}${steps === 1 ? '' : ` for ${steps} steps`}: ` +
        `it takes a ${expected} of ${count}, not a ${found} of ${data.length}`,
    );
  }
  // Memory that can shrink while the runtime reads it.
  if ((data.buffer as { readonly resizable?: boolean }).resizable) {
    throw new InternalError(`'${type.name}' lies in a resizable buffer`);
  }
}
