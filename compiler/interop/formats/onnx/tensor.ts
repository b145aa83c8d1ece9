/**
 * The elements of a tensor: `raw_data`, the typed lists, or a part of another file, of every element type. Nothing is
 * allocated before the bytes for it were found; numbers come as float32 or, where that could not hold them, as doubles.
 */
import { elemName, ELEM, type Elem } from './types';
import { WireError, type SparseProto, type TensorProto } from './wire';

/** A tensor of known numbers. Bools are 0 and 1. */
export interface Known {
  readonly elem: Elem;
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** Reads a part of a file beside the model. */
export type External = (tensor: TensorProto) => Uint8Array;

const BITS = new Map<Elem, number>([
  [ELEM.float, 32],
  [ELEM.uint8, 8],
  [ELEM.int8, 8],
  [ELEM.uint16, 16],
  [ELEM.int16, 16],
  [ELEM.int32, 32],
  [ELEM.int64, 64],
  [ELEM.bool, 8],
  [ELEM.float16, 16],
  [ELEM.double, 64],
  [ELEM.uint32, 32],
  [ELEM.uint64, 64],
  [ELEM.bfloat16, 16],
  [ELEM.float8e4m3fn, 8],
  [ELEM.float8e4m3fnuz, 8],
  [ELEM.float8e5m2, 8],
  [ELEM.float8e5m2fnuz, 8],
  [ELEM.uint4, 4],
  [ELEM.int4, 4],
  [ELEM.uint2, 2],
  [ELEM.int2, 2],
]);

/** Product of the extents; throws where one is negative or the product no number to count with. */
export function countOf(dims: readonly number[]): number {
  const count = dims.reduce((product, extent) => product * extent, 1);
  if (dims.some((extent) => !(extent >= 0)) || !Number.isSafeInteger(count))
    throw new WireError(`[${dims.join(', ')}] is no shape`);
  return count;
}

export function knownOf(tensor: TensorProto, external?: External): Known {
  const { elem, dims } = tensor;
  const count = countOf(dims);
  const problem = (text: string): WireError => new WireError(`the tensor '${tensor.name}' ${text}`);
  const bits = BITS.get(elem);
  if (bits === undefined) throw problem(`is of ${elemName(elem)}, which is not read`);
  if (tensor.isSegment) throw problem('comes in segments, which are not read');
  const made = (data: Float32Array | Float64Array): Known => ({ elem, shape: dims, data });
  const raw = tensor.isExternal ? external?.(tensor) : tensor.raw;
  if (tensor.isExternal && raw === undefined) throw problem('lies in another file');
  if (raw !== undefined && (raw.length > 0 || count === 0)) {
    const needed = Math.ceil((count * bits) / 8);
    if (raw.length !== needed) throw problem(`has ${raw.length} bytes where its shape needs ${needed}`);
    return made(fromRaw(raw, elem, count));
  }
  const packed = bits < 8 ? Math.ceil((count * bits) / 8) : count;
  const given = tensor.typed.length > 0 ? tensor.typed : tensor.doubles.length > 0 ? tensor.doubles : tensor.bigs;
  if (given.length !== packed) throw problem(`has ${given.length} elements where its shape needs ${packed}`);
  if (bits < 8) return made(unpack(Uint8Array.from(given, Number), elem, count));
  const decode = bitsDecoder(elem);
  const values = holder(elem, count);
  for (let i = 0; i < count; i++) values[i] = decode ? decode(Number(given[i])) : Number(given[i]);
  return made(values);
}

function holder(elem: Elem, count: number): Float32Array | Float64Array {
  const narrow = elem === ELEM.float || bitsDecoder(elem) !== undefined;
  return narrow ? new Float32Array(count) : new Float64Array(count);
}

function fromRaw(raw: Uint8Array, elem: Elem, count: number): Float32Array | Float64Array {
  if ((BITS.get(elem) ?? 8) < 8) return unpack(raw, elem, count);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const read = readerOf(view, elem);
  const values = holder(elem, count);
  for (let i = 0; i < count; i++) values[i] = read(i);
  return values;
}

function readerOf(view: DataView, elem: Elem): (i: number) => number {
  switch (elem) {
    case ELEM.float:
      return (i) => view.getFloat32(4 * i, true);
    case ELEM.double:
      return (i) => view.getFloat64(8 * i, true);
    case ELEM.int8:
      return (i) => view.getInt8(i);
    case ELEM.uint16:
      return (i) => view.getUint16(2 * i, true);
    case ELEM.int16:
      return (i) => view.getInt16(2 * i, true);
    case ELEM.int32:
      return (i) => view.getInt32(4 * i, true);
    case ELEM.uint32:
      return (i) => view.getUint32(4 * i, true);
    case ELEM.int64:
      return (i) => Number(view.getBigInt64(8 * i, true));
    case ELEM.uint64:
      return (i) => Number(view.getBigUint64(8 * i, true));
    case ELEM.float16:
    case ELEM.bfloat16: {
      const decode = bitsDecoder(elem)!;
      return (i) => decode(view.getUint16(2 * i, true));
    }
    case ELEM.bool:
      return (i) => (view.getUint8(i) === 0 ? 0 : 1);
    default: {
      const decode = bitsDecoder(elem);
      return (i) => (decode ? decode(view.getUint8(i)) : view.getUint8(i));
    }
  }
}

/** Elements of less than a byte, the first in the lowest bits. */
function unpack(raw: Uint8Array, elem: Elem, count: number): Float64Array {
  const bits = BITS.get(elem)!;
  const signed = elem === ELEM.int4 || elem === ELEM.int2;
  const [each, size] = [8 / bits, 2 ** bits];
  return Float64Array.from({ length: count }, (_, i) => {
    const value = (raw[Math.floor(i / each)]! >> (bits * (i % each))) & (size - 1);
    return signed && value >= size / 2 ? value - size : value;
  });
}

/** For floats that lie in files as their bits. */
function bitsDecoder(elem: Elem): ((bits: number) => number) | undefined {
  switch (elem) {
    case ELEM.float16:
      return (bits) => decodeFloat(bits, 5, 10, 15);
    case ELEM.bfloat16:
      return (bits) => decodeFloat(bits, 8, 7, 127);
    case ELEM.float8e5m2:
      return (bits) => decodeFloat(bits, 5, 2, 15);
    case ELEM.float8e4m3fn:
      return (bits) => ((bits & 0x7f) === 0x7f ? NaN : decodeFloat(bits, 4, 3, 7, true));
    case ELEM.float8e4m3fnuz:
      return (bits) => (bits === 0x80 ? NaN : decodeFloat(bits, 4, 3, 8, true));
    case ELEM.float8e5m2fnuz:
      return (bits) => (bits === 0x80 ? NaN : decodeFloat(bits, 5, 2, 16, true));
    default:
      return undefined;
  }
}

/** `finite`: the greatest exponent is one like the others. */
function decodeFloat(bits: number, exponentBits: number, mantissaBits: number, bias: number, finite = false): number {
  const greatest = 2 ** exponentBits - 1;
  const mantissa = bits & (2 ** mantissaBits - 1);
  const exponent = (bits >> mantissaBits) & greatest;
  const sign = (bits >> (mantissaBits + exponentBits)) & 1 ? -1 : 1;
  if (exponent === greatest && !finite) return mantissa === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits);
  return sign * (1 + mantissa / 2 ** mantissaBits) * 2 ** (exponent - bias);
}

/** More than this of zeros is not written out. */
const MOST_DENSE = 2 ** 26;

/** A sparse tensor written out. */
export function denseOf(sparse: SparseProto, external?: External): Known {
  if (!sparse.values || !sparse.indices) throw new WireError('a sparse tensor lacks its values or indices');
  const values = knownOf(sparse.values, external);
  const indices = knownOf(sparse.indices, external);
  const { dims } = sparse;
  const count = countOf(dims);
  if (count > MOST_DENSE) throw new WireError(`a sparse tensor of [${dims.join(', ')}] is too large`);
  const data = holder(values.elem, count);
  const pairs = indices.shape.length === 2;
  if (indices.data.length !== values.data.length * (pairs ? dims.length : 1))
    throw new WireError('a sparse tensor has other numbers of values and of indices');
  for (let i = 0; i < values.data.length; i++) {
    const at = pairs
      ? dims.reduce((sum, extent, axis) => sum * extent + indices.data[i * dims.length + axis]!, 0)
      : indices.data[i]!;
    if (!(at >= 0 && at < count)) throw new WireError('an index of a sparse tensor lies outside of it');
    data[at] = values.data[i]!;
  }
  return { elem: values.elem, shape: dims, data };
}
