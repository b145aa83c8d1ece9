/**
 * ONNX models written: protobuf messages by the public field numbers of onnx.proto, fields in the order of their
 * numbers wherever the order is ours, so that equal models are equal bytes. Elements of tensors are never copied: a file
 * is a list of pieces.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { ELEM, type Elem } from './types';

/** Elements in their own bytes, little-endian: in the model, or from `offset` on in another file. */
export interface OnnxTensor {
  readonly name: string;
  readonly elem: Elem;
  readonly dims: readonly number[];
  readonly data: Uint8Array;
  readonly external?: { readonly file: string; readonly offset: number };
}

/** A plain number is an integer, a list of numbers is one of integers. */
export type OnnxAttribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly tensor: OnnxTensor }
  | { readonly graph: OnnxGraph };

export interface OnnxNode {
  readonly name: string;
  readonly op: string;
  readonly domain?: string;
  /** An empty name stands for an input or an output that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** What a graph takes or gives: extents are numbers or symbols. */
export interface OnnxPort {
  readonly name: string;
  readonly elem: Elem;
  readonly shape: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly doc?: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
}

/** An operator of the model's own, made of others. */
export interface OnnxFunction {
  readonly name: string;
  readonly domain: string;
  readonly doc: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly OnnxNode[];
}

export interface OnnxModel {
  readonly irVersion: number;
  readonly producer: string;
  readonly producerVersion: string;
  readonly opset: number;
  readonly graph: OnnxGraph;
  readonly functions: readonly OnnxFunction[];
  readonly metadata: Readonly<Record<string, string>>;
}

class Message {
  readonly pieces: Uint8Array[] = [];
  size = 0;

  #add(piece: Uint8Array): this {
    this.pieces.push(piece);
    this.size += piece.length;
    return this;
  }

  integer(field: number, value: number): this {
    return this.#add(new BinaryWriter().tag(field, WireType.Varint).int64(value).finish());
  }

  float(field: number, value: number): this {
    return this.#add(new BinaryWriter().tag(field, WireType.Bit32).float(value).finish());
  }

  text(field: number, value: string): this {
    return this.#add(new BinaryWriter().tag(field, WireType.LengthDelimited).string(value).finish());
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#delimit(field, value.length).#add(value);
  }

  message(field: number, value: Message): this {
    this.#delimit(field, value.size);
    for (const piece of value.pieces) this.#add(piece);
    return this;
  }

  #delimit(field: number, size: number): this {
    return this.#add(new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(size).finish());
  }
}

function pair(key: string, value: string): Message {
  return new Message().text(1, key).text(2, value);
}

function tensorMessage({ name, elem, dims, data, external }: OnnxTensor): Message {
  const message = new Message();
  for (const extent of dims) message.integer(1, extent);
  message.integer(2, elem).text(8, name);
  if (!external) return message.bytes(9, data);
  message.message(13, pair('location', external.file));
  message.message(13, pair('offset', String(external.offset)));
  message.message(13, pair('length', String(data.length)));
  return message.integer(14, 1);
}

/** AttributeProto.AttributeType. */
const TYPE = { float: 1, integer: 2, text: 3, tensor: 4, graph: 5, floats: 6, integers: 7, texts: 8 } as const;

function attributeMessage(name: string, value: OnnxAttribute): Message {
  const message = new Message().text(1, name);
  if (typeof value === 'number') return message.integer(3, value).integer(20, TYPE.integer);
  if (typeof value === 'string') return message.text(4, value).integer(20, TYPE.text);
  if ('float' in value) return message.float(2, value.float).integer(20, TYPE.float);
  if ('tensor' in value) return message.message(5, tensorMessage(value.tensor)).integer(20, TYPE.tensor);
  if ('graph' in value) return message.message(6, graphMessage(value.graph)).integer(20, TYPE.graph);
  if ('floats' in value) {
    for (const each of value.floats) message.float(7, each);
    return message.integer(20, TYPE.floats);
  }
  if ('strings' in value) {
    for (const each of value.strings) message.text(9, each);
    return message.integer(20, TYPE.texts);
  }
  for (const each of value) message.integer(8, each);
  return message.integer(20, TYPE.integers);
}

function nodeMessage(node: OnnxNode): Message {
  const message = new Message();
  for (const input of node.inputs) message.text(1, input);
  for (const output of node.outputs) message.text(2, output);
  message.text(3, node.name).text(4, node.op);
  for (const [name, value] of Object.entries(node.attributes)) message.message(5, attributeMessage(name, value));
  return node.domain === undefined ? message : message.text(7, node.domain);
}

function portMessage({ name, elem, shape }: OnnxPort): Message {
  const dims = new Message();
  for (const extent of shape) {
    dims.message(1, typeof extent === 'number' ? new Message().integer(1, extent) : new Message().text(2, extent));
  }
  const tensor = new Message().integer(1, elem).message(2, dims);
  return new Message().text(1, name).message(2, new Message().message(1, tensor));
}

function graphMessage(graph: OnnxGraph): Message {
  const message = new Message();
  for (const node of graph.nodes) message.message(1, nodeMessage(node));
  message.text(2, graph.name);
  for (const tensor of graph.initializers) message.message(5, tensorMessage(tensor));
  if (graph.doc !== undefined) message.text(10, graph.doc);
  for (const input of graph.inputs) message.message(11, portMessage(input));
  for (const output of graph.outputs) message.message(12, portMessage(output));
  return message;
}

function opsetMessage(domain: string, version: number): Message {
  return new Message().text(1, domain).integer(2, version);
}

function functionMessage(made: OnnxFunction, opset: number): Message {
  const message = new Message().text(1, made.name);
  for (const input of made.inputs) message.text(4, input);
  for (const output of made.outputs) message.text(5, output);
  for (const node of made.nodes) message.message(7, nodeMessage(node));
  message.text(8, made.doc).message(9, opsetMessage('', opset));
  return message.message(9, opsetMessage(made.domain, 1)).text(10, made.domain);
}

/** The model's file, in pieces. */
export function encodeModel(model: OnnxModel): readonly Uint8Array[] {
  const message = new Message()
    .integer(1, model.irVersion)
    .text(2, model.producer)
    .text(3, model.producerVersion)
    .message(7, graphMessage(model.graph))
    .message(8, opsetMessage('', model.opset));
  for (const domain of new Set(model.functions.map((made) => made.domain))) message.message(8, opsetMessage(domain, 1));
  for (const [key, value] of Object.entries(model.metadata)) message.message(14, pair(key, value));
  for (const made of model.functions) message.message(25, functionMessage(made, model.opset));
  return message.pieces;
}

/** The element type of ONNX that holds each of ours. */
export const ELEM_OF = {
  f32: ELEM.float,
  f64: ELEM.double,
  bf16: ELEM.bfloat16,
  u8: ELEM.uint8,
  i32: ELEM.int32,
  i64: ELEM.int64,
  bool: ELEM.bool,
} as const;
