/** Tensor types of the IR. Shapes are logical (N C H W ...), fully static, in elements. */

export const DTYPES = ['f32', 'f64', 'bf16', 'u8', 'i32', 'i64', 'bool'] as const;
export type DType = (typeof DTYPES)[number];

/** What the values between layers are stored in; weights are float32 with either. */
export const PRECISIONS = ['float32', 'bfloat16'] as const;
export type Precision = (typeof PRECISIONS)[number];

export type Shape = readonly number[];

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

const BYTES: Readonly<Record<DType, number>> = { f32: 4, f64: 8, bf16: 2, u8: 1, i32: 4, i64: 8, bool: 1 };

export function byteSizeOf(dtype: DType): number {
  return BYTES[dtype];
}

export function elementCount(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

export function bytesOf(type: TensorType): number {
  return elementCount(type.shape) * BYTES[type.dtype];
}

export function isFloat(dtype: DType): boolean {
  return dtype === 'f32' || dtype === 'f64' || dtype === 'bf16';
}

export function tensorType(dtype: DType, shape: Shape): TensorType {
  return { dtype, shape };
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

export function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

/** `f32[64,1,28,28]`, as in printed IR. */
export function formatType(type: TensorType): string {
  return `${type.dtype}[${type.shape.join(',')}]`;
}
