/**
 * NumPy's .npy files, versions 1 to 3: a magic, a header that is a Python dictionary in text, the elements. Read in C
 * and Fortran order, little-endian; big-endian and object arrays are refused by name. A header is hostile until its
 * every part is checked: it decides no allocation that the file's own size does not back.
 */
import { open, writeFile, type FileHandle } from 'node:fs/promises';
import type { DType, Shape } from '../ir/types';
import { byteSizeOf, elementCount } from '../ir/types';
import type { TypedArray } from './define';
import { widenHalf } from './half';
import { DataFileError } from './idx_file';
import { reasonOf } from './paths';
import { bytesIn, typedArray } from './typed_array';

export interface NpyArray {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: TypedArray;
}

export interface NpyHeader {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly fortranOrder: boolean;
  /** The elements are stored in half precision; they are widened to `dtype`, f32. */
  readonly half?: boolean;
  /** Where the elements begin. */
  readonly offset: number;
}

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
const MAX_HEADER = 1 << 20;
const MAX_RANK = 32;

const DESCR: Readonly<Record<string, DType>> = {
  '<f4': 'f32',
  '<f8': 'f64',
  '|u1': 'u8',
  '<u1': 'u8',
  '<i4': 'i32',
  '<i8': 'i64',
  '|b1': 'bool',
};
const HALF = '<f2';
/** bf16 has no name in NumPy; its bits are written as 16-bit integers. */
const WRITTEN: Readonly<Record<DType, string>> = {
  f32: '<f4',
  f64: '<f8',
  bf16: '<u2',
  u8: '|u1',
  i32: '<i4',
  i64: '<i8',
  bool: '|b1',
};

/** A .npy file that is open for reading rows; close it. */
export interface OpenNpyFile extends NpyHeader {
  readonly handle: FileHandle;
}

/** `half`: half precision is read too, by those who read whole arrays. */
export async function openNpyFile(file: string, half = false): Promise<OpenNpyFile> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw new DataFileError(reasonOf(error));
  });
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw new DataFileError(info.isDirectory() ? 'it is a folder' : 'it is not a regular file');
    const header = await readHeader(handle, info.size, half);
    return { ...header, handle };
  } catch (error) {
    await handle.close();
    throw error instanceof DataFileError ? error : new DataFileError(reasonOf(error));
  }
}

export async function readNpy(file: string, half = false): Promise<NpyArray> {
  const opened = await openNpyFile(file, half);
  try {
    return await readAll(opened);
  } finally {
    await opened.handle.close();
  }
}

export async function readAll(file: OpenNpyFile): Promise<NpyArray> {
  const stored = storage(file);
  await readFully(file.handle, bytesIn(stored), file.offset);
  return arrayOf(file, stored);
}

/** For the elements as they lie in the file. */
function storage({ dtype, shape, half }: NpyHeader): TypedArray | Uint16Array {
  return half === true ? new Uint16Array(elementCount(shape)) : typedArray(dtype, elementCount(shape));
}

function arrayOf({ dtype, shape, fortranOrder }: NpyHeader, stored: TypedArray | Uint16Array): NpyArray {
  const data = stored instanceof Uint16Array ? widenHalf(stored) : stored;
  return { dtype, shape, data: fortranOrder ? fromFortran(data, dtype, shape) : data };
}

/** Fills the bytes from a place in the file, however the system cuts the reads. */
export async function readFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const want = Math.min(bytes.length - done, 1 << 30);
    const { bytesRead } = await handle.read(bytes, done, want, position + done);
    if (bytesRead === 0) throw new DataFileError('the file became shorter while it was read');
    done += bytesRead;
  }
}

async function readHeader(handle: FileHandle, fileBytes: number, half: boolean): Promise<NpyHeader> {
  const start = Buffer.alloc(Math.min(12, fileBytes));
  await readFully(handle, start, 0);
  const { textAt, length } = headerPlace(start, fileBytes);
  const text = Buffer.alloc(length);
  await readFully(handle, text, textAt);
  return headerOf(start, text, textAt, fileBytes, half);
}

function headerPlace(start: Buffer, fileBytes: number): { readonly textAt: number; readonly length: number } {
  if (start.length < 12 || !start.subarray(0, 6).equals(MAGIC)) throw new DataFileError('not a .npy file');
  const major = start[6]!;
  if (major < 1 || major > 3) throw new DataFileError(`.npy version ${major}.${start[7]!} is not known`);
  const textAt = major === 1 ? 10 : 12;
  const length = major === 1 ? start.readUInt16LE(8) : start.readUInt32LE(8);
  if (length > MAX_HEADER || textAt + length > fileBytes) throw new DataFileError('the header is cut off');
  return { textAt, length };
}

function headerOf(start: Buffer, text: Buffer, textAt: number, fileBytes: number, half: boolean): NpyHeader {
  const header = parseHeader(text.toString(start[6] === 3 ? 'utf8' : 'latin1'), half);
  const bytes = elementCount(header.shape) * (header.half === true ? 2 : byteSizeOf(header.dtype));
  const held = fileBytes - textAt - text.length;
  if (bytes > held) {
    throw new DataFileError(
      `says ${header.dtype}[${header.shape.join(',')}], ${bytes.toLocaleString('en-US')} bytes, but holds ${held.toLocaleString('en-US')}`,
    );
  }
  return { ...header, offset: textAt + text.length };
}

/** A whole file in memory, as an archive holds it; half precision is widened. */
export function decodeNpy(file: Uint8Array): NpyArray {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const start = bytes.subarray(0, 12);
  const { textAt, length } = headerPlace(start, bytes.length);
  const header = headerOf(start, bytes.subarray(textAt, textAt + length), textAt, bytes.length, true);
  const stored = storage(header);
  bytesIn(stored).set(bytes.subarray(header.offset, header.offset + stored.byteLength));
  return arrayOf(header, stored);
}

/** `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }` */
function parseHeader(text: string, halves: boolean): Omit<NpyHeader, 'offset'> {
  const field = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1];
  const descr = field(/'descr':\s*'([^']{1,32})'/);
  if (/'descr':\s*\[/.test(text)) throw new DataFileError('holds records; only plain numbers are read');
  const order = field(/'fortran_order':\s*(True|False)/);
  const extents = field(/'shape':\s*\(([\d,\s]*)\)/);
  if (descr === undefined || order === undefined || extents === undefined) {
    throw new DataFileError('the header is not that of a .npy file');
  }
  const half = halves && descr === HALF;
  const dtype = half ? 'f32' : DESCR[descr];
  if (!dtype) {
    const known = [...(halves ? [HALF] : []), ...Object.keys(DESCR)].join(' ');
    const why = descr.startsWith('>') ? ' (big-endian)' : descr.includes('O') ? ' (Python objects)' : '';
    throw new DataFileError(`holds elements of type '${descr}'${why}; read are ${known}`);
  }
  const shape = extents
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
    .map(Number);
  if (shape.length > MAX_RANK || !shape.every(Number.isSafeInteger) || !Number.isSafeInteger(8 * elementCount(shape))) {
    throw new DataFileError(`the shape (${extents.trim().slice(0, 60)}) is out of range`);
  }
  return { dtype, shape, fortranOrder: order === 'True', ...(half ? { half } : {}) };
}

function fromFortran(data: TypedArray, dtype: DType, shape: Shape): TypedArray {
  const result = typedArray(dtype, data.length);
  const index = new Array<number>(shape.length).fill(0);
  const strides = shape.map((_, axis) => elementCount(shape.slice(0, axis)));
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    result[to] = data[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/** The file as bytes: version 1 in C order, its header padded so that the elements begin at a multiple of 64. */
export function encodeNpy({ dtype, shape, data }: NpyArray): Uint8Array {
  const extents = shape.length === 1 ? `${shape[0]!},` : shape.join(', ');
  const text = `{'descr': '${WRITTEN[dtype]}', 'fortran_order': False, 'shape': (${extents}), }`;
  const head = Math.ceil((10 + text.length + 1) / 64) * 64;
  const bytes = Buffer.alloc(head + data.byteLength);
  MAGIC.copy(bytes);
  bytes[6] = 1;
  bytes.writeUInt16LE(head - 10, 8);
  bytes.write(`${text.padEnd(head - 11)}\n`, 10, 'latin1');
  bytes.set(bytesIn(data), head);
  return bytes;
}

export async function writeNpy(file: string, array: NpyArray): Promise<void> {
  await writeFile(file, encodeNpy(array));
}
