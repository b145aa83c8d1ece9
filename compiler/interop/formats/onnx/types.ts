/** The element types of ONNX by their public numbers, and what each becomes here. */
import type { DType } from '../../../ir/types';

export const ELEM = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
  float8e8m0: 24,
  uint2: 25,
  int2: 26,
} as const;
export type Elem = number;

const NAMES = new Map<number, string>(Object.entries(ELEM).map(([name, value]) => [value, name]));

export function elemName(elem: Elem): string {
  return NAMES.get(elem) ?? `type ${elem}`;
}

/** What an element is here: the nearest type that kernels compute with. Undefined where there is none. */
export function dtypeOf(elem: Elem): DType | undefined {
  return DTYPE.get(elem);
}

const DTYPE = new Map<Elem, DType>([
  [ELEM.float, 'f32'],
  [ELEM.float16, 'f32'],
  [ELEM.bfloat16, 'f32'],
  [ELEM.double, 'f32'],
  [ELEM.uint8, 'u8'],
  [ELEM.int8, 'i32'],
  [ELEM.uint16, 'i32'],
  [ELEM.int16, 'i32'],
  [ELEM.int32, 'i32'],
  [ELEM.uint32, 'i64'],
  [ELEM.int64, 'i64'],
  [ELEM.uint64, 'i64'],
  [ELEM.bool, 'bool'],
  [ELEM.float8e4m3fn, 'f32'],
  [ELEM.float8e4m3fnuz, 'f32'],
  [ELEM.float8e5m2, 'f32'],
  [ELEM.float8e5m2fnuz, 'f32'],
  [ELEM.uint4, 'i32'],
  [ELEM.int4, 'i32'],
  [ELEM.uint2, 'i32'],
  [ELEM.int2, 'i32'],
]);

/** Those that lose or gain something on the way; said in the account. */
export function isForeign(elem: Elem): boolean {
  return ![ELEM.float, ELEM.uint8, ELEM.int32, ELEM.int64, ELEM.bool].includes(elem as 1);
}

export function isFloatElem(elem: Elem): boolean {
  return FLOATS.has(elem);
}

const FLOATS = new Set<Elem>([1, 10, 11, 16, 17, 18, 19, 20, 23, 24]);

/** The least and greatest value of an integer type. */
export function rangeOf(elem: Elem): readonly [number, number] | undefined {
  return RANGES.get(elem);
}

const RANGES = new Map<Elem, readonly [number, number]>([
  [ELEM.uint8, [0, 255]],
  [ELEM.int8, [-128, 127]],
  [ELEM.uint16, [0, 65535]],
  [ELEM.int16, [-32768, 32767]],
  [ELEM.int32, [-(2 ** 31), 2 ** 31 - 1]],
  [ELEM.uint32, [0, 2 ** 32 - 1]],
  [ELEM.uint4, [0, 15]],
  [ELEM.int4, [-8, 7]],
  [ELEM.uint2, [0, 3]],
  [ELEM.int2, [-2, 1]],
]);
