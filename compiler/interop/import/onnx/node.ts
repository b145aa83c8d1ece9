/** A node as its handler sees it: inputs as values, attributes by name and type, the opset it is of. */
import { knownOf, type External, type Known } from '../../formats/onnx/tensor';
import type { AttributeProto, GraphProto, NodeProto } from '../../formats/onnx/wire';
import { Refused, shortest, type Emitter } from './emitter';
import type { Body } from './layer';
import type { Value } from './value';

/** Undefined outputs are those that a node may leave out. */
export type Handler = (node: Node) => Value | readonly (Value | undefined)[];

/** By operator: the domain before it, with a dot, where it is not the standard one. */
export type Handlers = Readonly<Record<string, Handler>>;

/** A graph of an attribute, lowered as the body of a layer. */
export interface Lowered {
  readonly body: Body;
  /** What the body's outputs are, in order. */
  readonly outputs: readonly Value[];
  /** Values of the graph around that it takes, in the order of the body's last inputs. */
  readonly captured: readonly Value[];
}

/** What a handler may ask of the graph that its node is in. */
export interface Surroundings {
  readonly external: External;
  /** Lowers a graph of an attribute in this one's place; gives its outputs. */
  inline(graph: GraphProto, inputs: readonly Value[]): readonly Value[];
  /** Lowers it as a body: `inputs` are what its inputs are like inside. */
  body(graph: GraphProto, inputs: readonly Value[]): Lowered;
  /** What the model says of the shape of a tensor: names and undefined are extents that it leaves open. */
  declared(name: string): readonly (number | string | undefined)[] | undefined;
  /** Says in the account that something is not carried over as it is. */
  note(reason: string): void;
  /** Says once for the whole model that it is carried over nearly. */
  warn(problem: string): void;
}

const decoder = new TextDecoder();

export class Node {
  constructor(
    readonly e: Emitter,
    readonly proto: NodeProto,
    readonly inputs: readonly (Value | undefined)[],
    readonly opset: number,
    readonly around: Surroundings,
  ) {}

  get op(): string {
    return this.proto.op;
  }

  /** An input that has to be there. */
  in(index: number): Value {
    return this.maybe(index) ?? refuse(`lacks its input ${index}`);
  }

  maybe(index: number): Value | undefined {
    const value = this.inputs[index];
    return value?.items === undefined ? value : refuse('takes a sequence, which only operators on sequences do here');
  }

  /** The tensors of an input that is a sequence. */
  items(index: number): readonly Value[] {
    return this.inputs[index]?.items ?? refuse('takes a tensor for a sequence');
  }

  /** All inputs, at least one, none of which may be left out. */
  all(): readonly Value[] {
    if (this.inputs.length === 0) refuse('has no inputs');
    return this.inputs.map((_, index) => this.in(index));
  }

  /** Whether somebody may read an output. */
  wants(output: number): boolean {
    return (this.proto.outputs[output] ?? '') !== '';
  }

  /** The shape that the model declares for an output. */
  declared(output: number): readonly (number | string | undefined)[] | undefined {
    return this.around.declared(this.proto.outputs[output] ?? '');
  }

  has(name: string): boolean {
    return this.attribute(name) !== undefined;
  }

  private attribute(name: string): AttributeProto | undefined {
    return this.proto.attributes.find((attribute) => attribute.name === name);
  }

  int(name: string, byDefault: number): number {
    return this.attribute(name)?.i ?? byDefault;
  }

  flag(name: string, byDefault = false): boolean {
    return this.int(name, Number(byDefault)) !== 0;
  }

  float(name: string, byDefault: number): number {
    const value = this.attribute(name)?.f;
    return value === undefined ? byDefault : shortest(value);
  }

  text(name: string, byDefault: string): string {
    const bytes = this.attribute(name)?.s;
    return bytes === undefined ? byDefault : decoder.decode(bytes);
  }

  ints(name: string): readonly number[] | undefined {
    const attribute = this.attribute(name);
    return attribute && (attribute.ints.length > 0 || attribute.i === undefined ? attribute.ints : [attribute.i]);
  }

  floats(name: string): readonly number[] | undefined {
    return this.attribute(name)?.floats.map(shortest);
  }

  texts(name: string): readonly string[] | undefined {
    return this.attribute(name)?.strings.map((bytes) => decoder.decode(bytes));
  }

  tensor(name: string): Known | undefined {
    const tensor = this.attribute(name)?.t;
    return tensor && knownOf(tensor, this.around.external);
  }

  sparse(name: string): AttributeProto['sparse'] {
    return this.attribute(name)?.sparse;
  }

  graph(name: string): GraphProto {
    return this.attribute(name)?.g ?? refuse(`lacks its ${name}`);
  }

  /** An axis as a number from 0, of a tensor of so many axes. */
  axis(axis: number, rank: number): number {
    const found = axis < 0 ? axis + rank : axis;
    return found >= 0 && found < Math.max(1, rank) ? found : refuse(`has the axis ${axis} of ${rank}`);
  }

  axisOf(name: string, byDefault: number, rank: number): number {
    return this.axis(this.int(name, byDefault), rank);
  }

  /** The numbers of an input that has to be known while the model is read. */
  numbers(index: number, what: string): readonly number[] | undefined {
    const value = this.inputs[index];
    if (value === undefined) return undefined;
    if (value.known !== undefined) return [...value.known];
    const needs = sourcesOf(value);
    const hint =
      needs.length === 0
        ? 'a model here has fixed shapes'
        : `say what it is: ${needs.map((name) => `\`--bind ${name}=FILE.npy\``).join(' ')}; a tensor file (.pb) will do too`;
    throw new Refused(`takes its ${what} from a tensor that is known only when the model runs`, hint, needs);
  }

  /** The inputs of the model that an input is made of. */
  sources(index: number): readonly string[] {
    return sourcesOf(this.in(index));
  }

  /** Refuses an operator that has to know how large the batch of an input is. */
  batched(index: number, message: string): never {
    const names = sourcesOf(this.in(index));
    throw new Refused(message, names.map((name) => `say it with \`--shape ${name}=8,…\``).join(' '));
  }

  /** Those of an attribute, or from some opset on of an input. */
  listed(name: string, index: number): readonly number[] | undefined {
    return this.has(name) ? this.ints(name) : this.numbers(index, name);
  }
}

/** The inputs of the model that a value is made of. */
function sourcesOf(value: Value): string[] {
  const names = new Set<string>();
  const seen = new Set<object>();
  const open = [value];
  while (open.length > 0) {
    const { from } = open.pop()!;
    if (from === undefined) continue;
    if ('input' in from) names.add(from.input);
    else if (!seen.has(from.layer)) {
      seen.add(from.layer);
      open.push(...from.layer.inputs);
    }
  }
  return [...names];
}

export function refuse(message: string, hint?: string): never {
  throw new Refused(message, hint);
}
