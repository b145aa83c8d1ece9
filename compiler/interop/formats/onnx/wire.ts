/**
 * ONNX models as they lie in files: protobuf messages, by the public field numbers of onnx.proto. Reading is bounded by
 * the file: nested graphs and types are followed to a fixed depth, tensors stay views of the bytes they came in, and
 * what is not protobuf, or ends too early, is a `WireError`.
 */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

export class WireError extends Error {}

/** Graphs in attributes of nodes of graphs; no exporter goes deeper than a few. */
const MAX_DEPTH = 32;

export interface TensorProto {
  dims: number[];
  elem: number;
  name: string;
  /** Elements in their own bytes, little-endian. */
  raw?: Uint8Array;
  /** Elements in one of the typed lists. */
  typed: number[];
  doubles: number[];
  bigs: bigint[];
  strings: Uint8Array[];
  external: Map<string, string>;
  isExternal: boolean;
  isSegment: boolean;
}

export interface SparseProto {
  values?: TensorProto;
  indices?: TensorProto;
  dims: number[];
}

/** An extent: a number, a symbol, or nothing known. */
export type DimProto = number | string | undefined;

export interface TypeProto {
  kind: 'tensor' | 'sequence' | 'optional' | 'map' | 'sparse' | 'none';
  elem: number;
  /** Undefined where not even the rank is known. */
  shape?: DimProto[];
}

export interface ValueInfo {
  name: string;
  type: TypeProto;
}

export interface AttributeProto {
  name: string;
  /** AttributeProto.AttributeType; 0 in old files, whose fields tell. */
  type: number;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  sparse?: SparseProto;
  floats: number[];
  ints: number[];
  strings: Uint8Array[];
  tensors: TensorProto[];
  /** In functions: the attribute of the function that this one stands for. */
  ref: string;
}

export interface NodeProto {
  name: string;
  op: string;
  domain: string;
  overload: string;
  inputs: string[];
  outputs: string[];
  attributes: AttributeProto[];
}

export interface GraphProto {
  name: string;
  doc: string;
  nodes: NodeProto[];
  initializers: TensorProto[];
  sparse: SparseProto[];
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  infos: ValueInfo[];
}

export interface FunctionProto {
  name: string;
  domain: string;
  overload: string;
  inputs: string[];
  outputs: string[];
  attributes: string[];
  defaults: AttributeProto[];
  nodes: NodeProto[];
  opsets: Map<string, number>;
}

export interface ModelProto {
  irVersion: number;
  producer: string;
  doc: string;
  opsets: Map<string, number>;
  graph?: GraphProto;
  functions: FunctionProto[];
  metadata: Map<string, string>;
}

type Field = (reader: BinaryReader, wire: WireType) => void;

/** Calls a handler for each field of a message; fields without one are passed over. */
function message(bytes: Uint8Array, fields: Readonly<Record<number, Field>>): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    const field = fields[number];
    if (field === undefined) reader.skip(wire, number);
    else field(reader, wire);
  }
}

function integer(reader: BinaryReader): number {
  return Number(reader.int64());
}

/** A list of numbers, packed into one field or not. */
function list<T>(into: T[], read: (reader: BinaryReader) => T): Field {
  return (reader, wire) => {
    if (wire !== WireType.LengthDelimited) {
      into.push(read(reader));
      return;
    }
    const end = reader.uint32() + reader.pos;
    if (end > reader.len) throw new WireError('a list ends behind the end of the file');
    while (reader.pos < end) into.push(read(reader));
  };
}

function pair(bytes: Uint8Array): [string, string] {
  let [key, value] = ['', ''];
  message(bytes, { 1: (r) => (key = r.string()), 2: (r) => (value = r.string()) });
  return [key, value];
}

function readTensor(bytes: Uint8Array): TensorProto {
  const tensor: TensorProto = {
    dims: [],
    elem: 0,
    name: '',
    typed: [],
    doubles: [],
    bigs: [],
    strings: [],
    external: new Map(),
    isExternal: false,
    isSegment: false,
  };
  message(bytes, {
    1: list(tensor.dims, integer),
    2: (r) => (tensor.elem = r.int32()),
    3: (r, wire) => {
      tensor.isSegment = true;
      r.skip(wire);
    },
    4: list(tensor.typed, (r) => r.float()),
    5: list(tensor.typed, (r) => r.int32()),
    6: (r) => tensor.strings.push(r.bytes()),
    7: list(tensor.bigs, (r) => BigInt(r.int64())),
    8: (r) => (tensor.name = r.string()),
    9: (r) => (tensor.raw = r.bytes()),
    10: list(tensor.doubles, (r) => r.double()),
    11: list(tensor.bigs, (r) => BigInt(r.uint64())),
    13: (r) => {
      const [key, value] = pair(r.bytes());
      tensor.external.set(key, value);
    },
    14: (r) => (tensor.isExternal = r.int32() === 1),
  });
  return tensor;
}

function readSparse(bytes: Uint8Array): SparseProto {
  const sparse: SparseProto = { dims: [] };
  message(bytes, {
    1: (r) => (sparse.values = readTensor(r.bytes())),
    2: (r) => (sparse.indices = readTensor(r.bytes())),
    3: list(sparse.dims, integer),
  });
  return sparse;
}

function readDim(bytes: Uint8Array): DimProto {
  let dim: DimProto;
  message(bytes, {
    1: (r) => (dim = integer(r)),
    2: (r) => {
      const symbol = r.string();
      if (symbol !== '') dim = symbol;
    },
  });
  return dim;
}

function readTensorType(bytes: Uint8Array, type: TypeProto): void {
  message(bytes, {
    1: (r) => (type.elem = r.int32()),
    2: (r) => {
      const shape: DimProto[] = (type.shape = []);
      message(r.bytes(), { 1: (dims) => shape.push(readDim(dims.bytes())) });
    },
  });
}

/** Of a sequence or an optional only that it is one. */
function readType(bytes: Uint8Array): TypeProto {
  const type: TypeProto = { kind: 'none', elem: 0 };
  const only =
    (kind: TypeProto['kind']): Field =>
    (r, wire) => {
      type.kind = kind;
      r.skip(wire);
    };
  message(bytes, {
    1: (r) => {
      type.kind = 'tensor';
      readTensorType(r.bytes(), type);
    },
    4: only('sequence'),
    5: only('map'),
    8: only('sparse'),
    9: only('optional'),
  });
  return type;
}

function readInfo(bytes: Uint8Array): ValueInfo {
  const info: ValueInfo = { name: '', type: { kind: 'none', elem: 0 } };
  message(bytes, { 1: (r) => (info.name = r.string()), 2: (r) => (info.type = readType(r.bytes())) });
  return info;
}

function readAttribute(bytes: Uint8Array, depth: number): AttributeProto {
  const attribute: AttributeProto = { name: '', type: 0, floats: [], ints: [], strings: [], tensors: [], ref: '' };
  message(bytes, {
    1: (r) => (attribute.name = r.string()),
    2: (r) => (attribute.f = r.float()),
    3: (r) => (attribute.i = integer(r)),
    4: (r) => (attribute.s = r.bytes()),
    5: (r) => (attribute.t = readTensor(r.bytes())),
    6: (r) => (attribute.g = readGraph(r.bytes(), depth + 1)),
    7: list(attribute.floats, (r) => r.float()),
    8: list(attribute.ints, integer),
    9: (r) => attribute.strings.push(r.bytes()),
    10: (r) => attribute.tensors.push(readTensor(r.bytes())),
    20: (r) => (attribute.type = r.int32()),
    21: (r) => (attribute.ref = r.string()),
    22: (r) => (attribute.sparse = readSparse(r.bytes())),
  });
  return attribute;
}

function readNode(bytes: Uint8Array, depth: number): NodeProto {
  const node: NodeProto = { name: '', op: '', domain: '', overload: '', inputs: [], outputs: [], attributes: [] };
  message(bytes, {
    1: (r) => node.inputs.push(r.string()),
    2: (r) => node.outputs.push(r.string()),
    3: (r) => (node.name = r.string()),
    4: (r) => (node.op = r.string()),
    5: (r) => node.attributes.push(readAttribute(r.bytes(), depth)),
    7: (r) => (node.domain = domainOf(r.string())),
    8: (r) => (node.overload = r.string()),
  });
  return node;
}

/** The standard operators' domain has two names. */
function domainOf(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

function readGraph(bytes: Uint8Array, depth: number): GraphProto {
  if (depth > MAX_DEPTH) throw new WireError(`graphs are nested more than ${MAX_DEPTH} deep`);
  const graph: GraphProto = {
    name: '',
    doc: '',
    nodes: [],
    initializers: [],
    sparse: [],
    inputs: [],
    outputs: [],
    infos: [],
  };
  message(bytes, {
    1: (r) => graph.nodes.push(readNode(r.bytes(), depth)),
    2: (r) => (graph.name = r.string()),
    5: (r) => graph.initializers.push(readTensor(r.bytes())),
    10: (r) => (graph.doc = r.string()),
    11: (r) => graph.inputs.push(readInfo(r.bytes())),
    12: (r) => graph.outputs.push(readInfo(r.bytes())),
    13: (r) => graph.infos.push(readInfo(r.bytes())),
    15: (r) => graph.sparse.push(readSparse(r.bytes())),
  });
  return graph;
}

function readOpset(bytes: Uint8Array, into: Map<string, number>): void {
  let [domain, version] = ['', 0];
  message(bytes, { 1: (r) => (domain = r.string()), 2: (r) => (version = integer(r)) });
  into.set(domainOf(domain), version);
}

function readFunction(bytes: Uint8Array): FunctionProto {
  const made: FunctionProto = {
    name: '',
    domain: '',
    overload: '',
    inputs: [],
    outputs: [],
    attributes: [],
    defaults: [],
    nodes: [],
    opsets: new Map(),
  };
  message(bytes, {
    1: (r) => (made.name = r.string()),
    4: (r) => made.inputs.push(r.string()),
    5: (r) => made.outputs.push(r.string()),
    6: (r) => made.attributes.push(r.string()),
    7: (r) => made.nodes.push(readNode(r.bytes(), 1)),
    9: (r) => {
      readOpset(r.bytes(), made.opsets);
    },
    10: (r) => (made.domain = domainOf(r.string())),
    11: (r) => made.defaults.push(readAttribute(r.bytes(), 1)),
    13: (r) => (made.overload = r.string()),
  });
  return made;
}

/** Every error of reading is a WireError, the recursion limit of the machine included. */
function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new WireError(error instanceof Error ? error.message : 'it is no protobuf');
  }
}

export function readModel(bytes: Uint8Array): ModelProto {
  return guarded(() => {
    const model: ModelProto = {
      irVersion: 0,
      producer: '',
      doc: '',
      opsets: new Map(),
      functions: [],
      metadata: new Map(),
    };
    message(bytes, {
      1: (r) => (model.irVersion = integer(r)),
      2: (r) => (model.producer = r.string()),
      6: (r) => (model.doc = r.string()),
      7: (r) => (model.graph = readGraph(r.bytes(), 0)),
      8: (r) => {
        readOpset(r.bytes(), model.opsets);
      },
      14: (r) => {
        const [key, value] = pair(r.bytes());
        model.metadata.set(key, value);
      },
      25: (r) => model.functions.push(readFunction(r.bytes())),
    });
    return model;
  });
}

/** A tensor in a file of its own, as test vectors are. */
export function readTensorFile(bytes: Uint8Array): TensorProto {
  return guarded(() => readTensor(bytes));
}
