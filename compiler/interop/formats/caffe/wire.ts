/**
 * What is read and written of Caffe's binary files, by the field numbers of caffe.proto: the weights of a NetParameter
 * (`.caffemodel`, layers of all three generations) and a BlobProto (mean files). Everything else is passed over.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

export interface CaffeBlob {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface CaffeWeights {
  readonly name: string;
  readonly layers: readonly WeightLayer[];
}

export interface WeightLayer {
  readonly name: string;
  readonly type: string;
  readonly blobs: readonly CaffeBlob[];
}

/** The bytes are no such message; the text says what is wrong. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

const NET = { name: 1, layersV1: 2, layer: 100 };
const LAYER = { name: 1, type: 2, blobs: 7 };
const LAYER_V1 = { v0: 1, name: 4, type: 5, blobs: 6 };
const LAYER_V0 = { name: 1, type: 2, blobs: 50 };
const BLOB = { legacy: [1, 2, 3, 4], data: 5, shape: 7, doubles: 8, rawType: 10, raw: 12 };
const SHAPE_DIM = 1;
const MAX_RANK = 32;

export function readNet(bytes: Uint8Array): CaffeWeights {
  return guarded(() => {
    let name = '';
    const layers: WeightLayer[] = [];
    each(bytes, {
      [NET.name]: (reader) => void (name = reader.string(false)),
      [NET.layer]: (reader) => void layers.push(readLayer(reader.bytes())),
      [NET.layersV1]: (reader) => void layers.push(readLayerV1(reader.bytes())),
    });
    return { name, layers };
  });
}

/** A mean file. */
export function readBlobFile(bytes: Uint8Array): CaffeBlob {
  return guarded(() => readBlob(bytes));
}

function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof WireError) throw error;
    // The reader of the library throws plain errors where bytes end early or are no message.
    if (error instanceof Error) throw new WireError(`is no protobuf message or is cut short (${error.message})`);
    throw error;
  }
}

type Handlers = Readonly<Record<number, (reader: BinaryReader, type: WireType) => void>>;

function each(bytes: Uint8Array, handlers: Handlers): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const handler = handlers[field];
    const expected = handler !== undefined && (type === WireType.LengthDelimited || SCALAR_FIELDS.has(handler));
    if (expected) handler(reader, type);
    else reader.skip(type, field);
  }
}

/** Handlers of fields that are numbers on the wire, packed or not. */
const SCALAR_FIELDS = new WeakSet<(reader: BinaryReader, type: WireType) => void>();

function scalar(handler: (reader: BinaryReader, type: WireType) => void): typeof handler {
  SCALAR_FIELDS.add(handler);
  return handler;
}

function readLayer(bytes: Uint8Array): WeightLayer {
  let name = '';
  let type = '';
  const blobs: CaffeBlob[] = [];
  each(bytes, {
    [LAYER.name]: (reader) => void (name = reader.string(false)),
    [LAYER.type]: (reader) => void (type = reader.string(false)),
    [LAYER.blobs]: (reader) => void blobs.push(readBlob(reader.bytes())),
  });
  return { name, type, blobs };
}

function readLayerV1(bytes: Uint8Array): WeightLayer {
  let layer: WeightLayer = { name: '', type: '', blobs: [] };
  const blobs: CaffeBlob[] = [];
  each(bytes, {
    [LAYER_V1.v0]: (reader) => void (layer = readLayerV0(reader.bytes())),
    [LAYER_V1.name]: (reader) => void (layer = { ...layer, name: reader.string(false) }),
    [LAYER_V1.type]: scalar((reader, type) => {
      if (type === WireType.Varint) layer = { ...layer, type: `V1 ${reader.int32()}` };
      else reader.skip(type);
    }),
    [LAYER_V1.blobs]: (reader) => void blobs.push(readBlob(reader.bytes())),
  });
  return { ...layer, blobs: [...layer.blobs, ...blobs] };
}

function readLayerV0(bytes: Uint8Array): WeightLayer {
  let name = '';
  let type = '';
  const blobs: CaffeBlob[] = [];
  each(bytes, {
    [LAYER_V0.name]: (reader) => void (name = reader.string(false)),
    [LAYER_V0.type]: (reader) => void (type = reader.string(false)),
    [LAYER_V0.blobs]: (reader) => void blobs.push(readBlob(reader.bytes())),
  });
  return { name, type, blobs };
}

function readBlob(bytes: Uint8Array): CaffeBlob {
  const legacy: number[] = [];
  let shape: number[] | undefined;
  const floats = new Numbers(4);
  const doubles = new Numbers(8);
  let raw: Uint8Array | undefined;
  let rawType = 0;
  each(bytes, {
    ...Object.fromEntries(
      BLOB.legacy.map((field, axis) => [
        field,
        scalar((reader, type) => {
          if (type === WireType.Varint) legacy[axis] = reader.int32();
          else reader.skip(type, field);
        }),
      ]),
    ),
    [BLOB.data]: scalar((reader, type) => floats.take(reader, type)),
    [BLOB.doubles]: scalar((reader, type) => doubles.take(reader, type)),
    [BLOB.shape]: (reader) => void (shape = readShape(reader.bytes())),
    [BLOB.rawType]: scalar((reader, type) => {
      if (type === WireType.Varint) rawType = reader.int32();
      else reader.skip(type);
    }),
    [BLOB.raw]: (reader) => void (raw = reader.bytes()),
  });
  const data = raw === undefined ? (doubles.count > 0 ? doubles : floats).values() : rawValues(raw, rawType);
  const extents = shape ?? (legacy.length > 0 ? Array.from({ length: 4 }, (_, i) => legacy[i] ?? 1) : [data.length]);
  const expected = extents.reduce((product, extent) => product * extent, 1);
  if (extents.some((extent) => extent < 0) || extents.length > MAX_RANK) {
    throw new WireError(`has a blob of the shape ${extents.slice(0, MAX_RANK).join(' x ')}`);
  }
  // A blob without values is one of the net's own activations, or weights that were stripped.
  if (data.length > 0 && data.length !== expected) {
    throw new WireError(`has a blob of the shape ${extents.join(' x ')} with ${data.length} values`);
  }
  return { shape: extents, data };
}

function readShape(bytes: Uint8Array): number[] {
  const dims: number[] = [];
  each(bytes, {
    [SHAPE_DIM]: scalar((reader, type) => {
      if (type === WireType.LengthDelimited) {
        const packed = new BinaryReader(reader.bytes());
        while (packed.pos < packed.len && dims.length <= MAX_RANK) dims.push(Number(packed.int64()));
      } else if (type === WireType.Varint) dims.push(Number(reader.int64()));
      else reader.skip(type, SHAPE_DIM);
      if (dims.length > MAX_RANK) throw new WireError(`has a blob of more than ${MAX_RANK} axes`);
    }),
  });
  return dims;
}

/** Values of a packed or plain repeated float or double; copied once, at the end. */
class Numbers {
  private readonly pieces: Uint8Array[] = [];
  private readonly singles: number[] = [];
  private packed = 0;

  constructor(private readonly width: 4 | 8) {}

  get count(): number {
    return this.packed + this.singles.length;
  }

  take(reader: BinaryReader, type: WireType): void {
    if (type === WireType.LengthDelimited) {
      const bytes = reader.bytes();
      if (bytes.length % this.width !== 0) throw new WireError('has a blob with a part of a number');
      if (this.singles.length > 0) throw new WireError('has a blob that is packed in part');
      this.pieces.push(bytes);
      this.packed += bytes.length / this.width;
    } else if (type === WireType.Bit32 && this.width === 4) this.singles.push(reader.float());
    else if (type === WireType.Bit64 && this.width === 8) this.singles.push(reader.double());
    else throw new WireError('has a blob with values of another type');
  }

  values(): Float32Array {
    if (this.packed === 0) return Float32Array.from(this.singles);
    if (this.singles.length > 0) throw new WireError('has a blob that is packed in part');
    const values = new Float32Array(this.packed);
    let at = 0;
    for (const piece of this.pieces) {
      const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
      if (this.width === 4) new Uint8Array(values.buffer).set(piece, at * 4);
      else for (let i = 0; i < piece.length; i += 8) values[at + i / 8] = view.getFloat64(i, true);
      at += piece.length / this.width;
    }
    return values;
  }
}

/** `raw_data` of NVIDIA's fork: double, float or half. */
function rawValues(bytes: Uint8Array, type: number): Float32Array {
  const width = [8, 4, 2][type];
  if (width === undefined || bytes.length % width !== 0)
    throw new WireError('has a blob of raw values of no known type');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length / width }, (_, i) => {
    if (width === 8) return view.getFloat64(i * 8, true);
    if (width === 4) return view.getFloat32(i * 4, true);
    return half(view.getUint16(i * 2, true));
  });
}

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** A NetParameter of the newest generation with names, types and blobs, which is what Caffe takes weights from. */
export function writeNet({ name, layers }: CaffeWeights): Uint8Array {
  const writer = new BinaryWriter().tag(NET.name, WireType.LengthDelimited).string(name);
  for (const layer of layers) {
    writer.tag(NET.layer, WireType.LengthDelimited).fork();
    writer.tag(LAYER.name, WireType.LengthDelimited).string(layer.name);
    writer.tag(LAYER.type, WireType.LengthDelimited).string(layer.type);
    for (const { shape, data } of layer.blobs) {
      writer.tag(LAYER.blobs, WireType.LengthDelimited).fork();
      writer.tag(BLOB.data, WireType.LengthDelimited).bytes(littleEndian(data));
      writer.tag(BLOB.shape, WireType.LengthDelimited).fork().tag(SHAPE_DIM, WireType.LengthDelimited).fork();
      for (const dim of shape) writer.int64(dim);
      writer.join().join().join();
    }
    writer.join();
  }
  return writer.finish();
}

function littleEndian(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
