/** In which C array a tensor of each dtype lies: every dtype has memory of its own, so that no object has two types. */
import { InternalError } from '../../../diagnostics/errors';
import type { DType } from '../../../ir/types';

export const STORES = ['f32', 'f64', 'i32', 'i64', 'u8'] as const;
export type Store = (typeof STORES)[number];

/** Elements by store. */
export type Sizes = Readonly<Partial<Record<Store, number>>>;

export const C_TYPE: Readonly<Record<Store, string>> = {
  f32: 'float',
  f64: 'double',
  i32: 'int',
  i64: 'long long',
  u8: 'unsigned char',
};

export const STORE_BYTES: Readonly<Record<Store, number>> = { f32: 4, f64: 8, i32: 4, i64: 8, u8: 1 };

/** What the arena of a store is called in C. */
export const BASE: Readonly<Record<Store, string>> = { f32: 'f', f64: 'd', i32: 'i', i64: 'l', u8: 'b' };

export function storeOf(dtype: DType): Store {
  if (dtype === 'bool') return 'u8';
  if (dtype === 'bf16') throw new InternalError('no value of a C file is bfloat16');
  return dtype;
}

export function largest(...sizes: readonly Sizes[]): Sizes {
  const entries = STORES.map((store) => [store, Math.max(0, ...sizes.map((each) => each[store] ?? 0))] as const);
  return Object.fromEntries(entries.filter(([, size]) => size > 0));
}
