/**
 * bfloat16, the upper half of a float32: bits and values. A number is rounded to nearest, ties to even; NaN stays NaN.
 * Arithmetic in bfloat16 does not exist anywhere: kernels and the reference compute in more and round what they store.
 */
const scratch = new DataView(new ArrayBuffer(4));

export function bfloat16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  return Math.floor((bits + 0x7fff + ((bits >>> 16) & 1)) / 0x10000) & 0xffff;
}

export function bfloat16Value(bits: number): number {
  scratch.setUint32(0, (bits << 16) >>> 0);
  return scratch.getFloat32(0);
}

/** The nearest number that a bfloat16 can hold. */
export function toBfloat16(value: number): number {
  return bfloat16Value(bfloat16Bits(value));
}
