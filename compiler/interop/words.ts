/** Element types as model files call them. */
import type { DType } from '../ir/types';

export const DTYPE_WORD: Readonly<Record<DType, string>> = {
  f32: 'float32',
  f64: 'float64',
  bf16: 'bfloat16',
  u8: 'uint8',
  i32: 'int32',
  i64: 'int64',
  bool: 'bool',
};
