/**
 * Weights of TensorFlow.js: a manifest in the model's JSON, and shards of bytes that lie beside it or are given with it.
 * Numbers that were quantized become floats again.
 */
import { lstatSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { bytesIn, typedArray } from '../../../data/typed_array';
import type { SpecError } from '../../../diagnostics/errors';
import type { Json } from '../../../frontend/spec';
import { byteSizeOf, elementCount, type DType } from '../../../ir/types';
import type { WeightTensor } from '../../../weights/content';
import { widenHalf } from '../../../data/half';
import { isList, isObject } from '../../formats/json';
import { scopeStore, type StoredWeight, type WeightStore } from './weights';

export const isShard = (file: string): boolean => /(?:^|[/\\])(?:weights|group\d+-shard\d+of\d+)(?:\.bin)?$/.test(file);

type Fail = (problem: string) => SpecError;

/** `given` are shards that the user named; others are looked for beside the model, and nowhere else. */
export function readManifest(manifest: Json, model: string, given: readonly string[], fail: Fail): WeightStore {
  if (!isList(manifest)) throw fail('its manifest of weights is not a list');
  const weights: StoredWeight[] = [];
  for (const group of manifest) {
    if (!isObject(group) || !isList(group.paths) || !isList(group.weights))
      throw fail('an entry of its manifest of weights is damaged');
    const bytes = Buffer.concat(group.paths.map((name) => readShard(name, model, given, fail)));
    let at = 0;
    for (const entry of group.weights) {
      const { name, tensor, length } = readWeight(entry, bytes, at, fail);
      weights.push({ name, tensor });
      at += length;
    }
    if (at !== bytes.length) throw fail(`its shards hold ${bytes.length} bytes, its manifest asks for ${at}`);
  }
  return scopeStore(weights);
}

function readShard(name: Json, model: string, given: readonly string[], fail: Fail): Uint8Array {
  if (typeof name !== 'string' || path.isAbsolute(name) || name.split(/[/\\]/).includes('..'))
    throw fail('a shard of its weights is not a path beside it');
  const own = given.find((file) => path.basename(file) === path.basename(name));
  const file = own ?? path.join(path.dirname(model), name);
  try {
    if (own === undefined && !lstatSync(file).isFile()) throw fail(`\`${name}\` beside it is not a regular file`);
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw fail(`its weights \`${name}\` cannot be read`);
  }
}

const TYPES: Readonly<Record<string, DType>> = { float32: 'f32', int32: 'i32', bool: 'u8', uint8: 'u8' };
const QUANTIZED: Readonly<Record<string, number>> = { uint8: 1, uint16: 2, float16: 2 };

const wordOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

function readWeight(
  entry: Json,
  bytes: Buffer,
  at: number,
  fail: Fail,
): { name: string; tensor: WeightTensor; length: number } {
  if (!isObject(entry) || typeof entry.name !== 'string' || !isList(entry.shape)) throw fail('a weight has no shape');
  const { name } = entry;
  const shape = entry.shape.map((extent) => {
    if (!Number.isSafeInteger(extent) || (extent as number) < 0)
      throw fail(`the shape of \`${name}\` is no list of sizes`);
    return extent as number;
  });
  const count = elementCount(shape);
  const stored = isObject(entry.quantization) ? entry.quantization : undefined;
  const dtype = TYPES[wordOf(entry.dtype)];
  const each = stored === undefined ? (dtype === undefined ? 0 : byteSizeOf(dtype)) : QUANTIZED[wordOf(stored.dtype)];
  if (dtype === undefined || each === undefined) throw fail(`the type of \`${name}\` is not read`);
  const length = count * each;
  if (!(at + length <= bytes.length)) throw fail(`\`${name}\` says it holds [${shape.join(', ')}], more than there is`);
  const part = bytes.subarray(at, at + length);
  if (stored !== undefined)
    return { name, tensor: { dtype: 'f32', shape, data: dequantized(part, stored, count) }, length };
  const data = typedArray(dtype, count);
  bytesIn(data).set(part);
  return { name, tensor: { dtype, shape, data }, length };
}

function dequantized(part: Buffer, stored: { readonly [key: string]: Json }, count: number): Float32Array {
  const scale = typeof stored.scale === 'number' ? stored.scale : 1;
  const least = typeof stored.min === 'number' ? stored.min : 0;
  if (stored.dtype === 'uint8') return Float32Array.from(part, (value) => value * scale + least);
  const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
  const bits = Uint16Array.from({ length: count }, (_, i) => view.getUint16(2 * i, true));
  return stored.dtype === 'float16' ? widenHalf(bits) : Float32Array.from(bits, (value) => value * scale + least);
}
