/**
 * Safetensors (github.com/huggingface/safetensors, the format's own description): eight bytes with the length of a JSON
 * header, the header, the tensors without gaps. The header is hostile until each entry's place, size and shape agree
 * with one another and with the file; overlaps and gaps are refused, as the format asks.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { widenHalf } from '../../data/half';
import { readFully } from '../../data/npy';
import { bytesIn, typedArray } from '../../data/typed_array';
import type { DType } from '../../ir/types';
import { elementCount } from '../../ir/types';
import type { Tensors, WeightTensor } from '../content';
import { TensorFileError, widenBf16, type StoredTensor, type TensorFile } from './tensor_file';

/** The limit of the reference reader. */
const MAX_HEADER = 100_000_000;
const MAX_RANK = 32;

interface Kind {
  readonly bytes: number;
  readonly dtype?: DType;
}
const KINDS: Readonly<Record<string, Kind>> = {
  F64: { bytes: 8, dtype: 'f64' },
  F32: { bytes: 4, dtype: 'f32' },
  F16: { bytes: 2, dtype: 'f32' },
  BF16: { bytes: 2, dtype: 'f32' },
  I64: { bytes: 8, dtype: 'i64' },
  I32: { bytes: 4, dtype: 'i32' },
  I16: { bytes: 2 },
  I8: { bytes: 1 },
  U64: { bytes: 8 },
  U32: { bytes: 4 },
  U16: { bytes: 2 },
  U8: { bytes: 1, dtype: 'u8' },
  BOOL: { bytes: 1, dtype: 'bool' },
  F8_E4M3: { bytes: 1 },
  F8_E5M2: { bytes: 1 },
};
const WRITTEN: Readonly<Record<DType, string>> = {
  f32: 'F32',
  f64: 'F64',
  bf16: 'BF16',
  u8: 'U8',
  i32: 'I32',
  i64: 'I64',
  bool: 'BOOL',
};

interface Placed extends StoredTensor {
  readonly begin: number;
  readonly end: number;
}

/** The first bytes of a safetensors file: a plausible length and an opening brace. */
export function isSafetensors(head: Uint8Array): boolean {
  if (head.length < 9) return false;
  const length = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
  return length > 1n && length <= BigInt(MAX_HEADER) && head[8] === 0x7b;
}

export async function openSafetensors(file: string): Promise<TensorFile> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const { tensors, start } = await readHeader(handle, size);
    return {
      format: 'safetensors',
      tensors,
      read: (tensor) => readTensor(handle, start, tensor as Placed),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readHeader(handle: FileHandle, size: number): Promise<{ tensors: Placed[]; start: number }> {
  const first = new Uint8Array(8);
  if (size < 8) throw new TensorFileError('the file ends within its first number');
  await readFully(handle, first, 0);
  const length = Number(new DataView(first.buffer).getBigUint64(0, true));
  if (length > MAX_HEADER || 8 + length > size) {
    throw new TensorFileError(`the header says it has ${length} bytes, the file has ${size}`);
  }
  const bytes = new Uint8Array(length);
  await readFully(handle, bytes, 8);
  const header = parse(bytes);
  const held = size - 8 - length;
  const tensors = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => placed(name, entry, held));
  let end = 0;
  for (const tensor of [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (tensor.begin !== end) {
      const what = tensor.begin < end ? 'overlaps another tensor' : 'leaves a gap before it';
      throw new TensorFileError(`\`${short(tensor.name)}\` ${what}`);
    }
    end = tensor.end;
  }
  if (end !== held)
    throw new TensorFileError(`the tensors end at byte ${end}, the file holds ${held} behind its header`);
  return { tensors, start: 8 + length };
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new TensorFileError('the header is not JSON');
  }
  if (header === null || typeof header !== 'object' || Array.isArray(header))
    throw new TensorFileError('the header is not a mapping');
  return header as Readonly<Record<string, unknown>>;
}

function placed(name: string, entry: unknown, held: number): Placed {
  const fail = (problem: string): never => {
    throw new TensorFileError(`\`${short(name)}\` ${problem}`);
  };
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Readonly<Record<string, unknown>>;
  const isExtents = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
  const kind = typeof dtype === 'string' && Object.hasOwn(KINDS, dtype) ? KINDS[dtype] : undefined;
  if (kind === undefined)
    return fail(`is of type ${JSON.stringify(dtype)?.slice(0, 40) ?? 'nothing'}, which is not known`);
  if (!isExtents(shape) || shape.length > MAX_RANK) return fail('has no shape');
  if (!isExtents(offsets) || offsets.length !== 2) return fail('has no place');
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > held) return fail(`lies at bytes ${begin} to ${end} of ${held}`);
  if (elementCount(shape) * kind.bytes !== end - begin)
    return fail(`is ${String(dtype)}[${shape.join(',')}] in ${end - begin} bytes`);
  return { name, shape, stored: String(dtype), begin, end, ...(kind.dtype ? { dtype: kind.dtype } : {}) };
}

async function readTensor(handle: FileHandle, start: number, tensor: Placed): Promise<WeightTensor> {
  const { shape, stored, begin } = tensor;
  const dtype = tensor.dtype!;
  const count = elementCount(shape);
  if (stored === 'F16' || stored === 'BF16') {
    const bits = new Uint16Array(count);
    await readFully(handle, bytesIn(bits), start + begin);
    return { dtype, shape, data: stored === 'F16' ? widenHalf(bits) : widenBf16(bits) };
  }
  const data = typedArray(dtype, count);
  await readFully(handle, bytesIn(data), start + begin);
  return { dtype, shape, data };
}

function short(name: string): string {
  return name.length > 80 ? `${name.slice(0, 80)}…` : name;
}

/** Tensors in the order of their names, the header padded so that values begin at a multiple of 8. */
export async function writeSafetensors(
  file: string,
  tensors: Tensors,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  const header: Record<string, unknown> = { __metadata__: metadata };
  let at = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    header[name] = { dtype: WRITTEN[dtype], shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(text.length / 8) * 8, ' ');
  text.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const handle = await open(file, 'w');
  try {
    for (const bytes of [length, padded, ...sorted.map(([, { data }]) => bytesIn(data))]) await handle.writeFile(bytes);
  } finally {
    await handle.close();
  }
}
