/**
 * Builds the ONNX graph: nodes by scope, constants that are shared by content, weights as they are first read, and
 * shapes that follow the batch. Translations of ops (`ops/`) work with references; names are given at the end, so that
 * what a layer computes last carries the layer's name.
 */
import { bytesIn, typedArray } from '../../../data/typed_array';
import { InternalError } from '../../../diagnostics/errors';
import type { Graph, Node, Value } from '../../../ir/graph';
import { elementCount, type DType, type Shape } from '../../../ir/types';
import { ELEM_OF, type OnnxAttribute, type OnnxTensor } from '../../formats/onnx/encode';
import type { KnownTensor } from '../prediction';
import { BatchError, isFixed, type Extent, type Extents } from './extents';

/** A value of the ONNX graph. */
export interface Ref {
  /** Given at once to inputs and initializers, to others at the end. */
  name?: string;
  /** What the name is made of. */
  readonly hint: string;
}

/** The domain of the model's own operators. */
export const OWN = 'dlc';

export interface MadeNode {
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly (Ref | undefined)[];
  readonly outputs: readonly Ref[];
  readonly attributes: Readonly<Record<string, OnnxAttribute | MadeGraph>>;
}

type Listed = Pick<KnownTensor, 'dtype' | 'data'>;

/** The body of a loop or a branch. */
export interface MadeGraph {
  readonly body: {
    readonly name: string;
    readonly nodes: readonly MadeNode[];
    readonly inputs: readonly MadePort[];
    readonly outputs: readonly MadePort[];
  };
}

export interface MadePort {
  readonly ref: Ref;
  readonly dtype: DType;
  readonly shape: readonly Extent[];
}

/** An op, or what is asked of it, has no translation. */
export class Untranslatable extends Error {
  constructor(
    problem: string,
    readonly hint?: string,
  ) {
    super(problem);
  }
}

/** Lists up to this long are told by their content in a name. */
const NAMED_LENGTH = 4;
/** A filled tensor of more elements than this is made when the model runs. */
const STORED_ELEMENTS = 1024;

export class Emitter {
  /** What only depends on the batch: before everything else, visible in every body. */
  readonly prologue: MadeNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  /** Names of the model's own operators that were used. */
  readonly functions = new Set<string>();
  /** The lowest version of the operators that has all that is used. */
  opset: number;
  /** The nodes of the graph itself. */
  readonly main: MadeNode[] = [];
  #scope: MadeNode[] = this.main;
  #layer = '';
  readonly #refs = new Map<Value, Ref>();
  readonly #held = new Map<Value, KnownTensor>();
  readonly #spoilt = new Map<Value, Error>();
  readonly #listed = new Map<Value, readonly number[]>();
  /** What a body reads from outside, by its own value. */
  readonly #captured = new Map<Value, Value>();
  readonly #constants = new Map<string, Ref>();
  readonly #taken = new Set<string>();
  readonly #shapes = new Map<string, Ref>();
  #batch: Ref | undefined;

  constructor(
    readonly extents: Extents,
    /** What the states hold. */
    readonly tensors: ReadonlyMap<Value, KnownTensor>,
    /** What they hold at the second batch size, where that is something else. */
    readonly twins: ReadonlyMap<Value, KnownTensor>,
    /** How often each value is read, in bodies too. */
    readonly uses: ReadonlyMap<Value, number>,
    readonly definitions: ReadonlyMap<Value, Node>,
    /** Emits the nodes of a body. */
    readonly emit: (graph: Graph, e: Emitter) => void,
    /** The lowest and the highest version of the operators that may be used. */
    readonly versions: { readonly least: number; readonly most: number },
  ) {
    this.opset = versions.least;
  }

  /** Whether an operator that came with this version may be used; if so, the model needs it. */
  needs(version: number): boolean {
    if (version > this.versions.most) return false;
    this.opset = Math.max(this.opset, version);
    return true;
  }

  set layer(layer: string) {
    this.#layer = layer;
  }

  // Values.

  bind(value: Value, ref: Ref): void {
    this.#refs.set(value, ref);
  }

  /** A body sees what is around it. */
  capture(inner: Value, outer: Value): void {
    this.#captured.set(inner, outer);
  }

  ref(value: Value): Ref {
    const outer = this.#captured.get(value);
    if (outer) return this.ref(outer);
    const known = this.#refs.get(value) ?? this.#stored(value);
    const spoilt = this.#spoilt.get(value);
    if (spoilt) throw spoilt;
    if (!known) throw new InternalError(`%${value.name} is read before it is made`);
    this.#refs.set(value, known);
    return known;
  }

  /** Read once, in bodies too: nobody else needs it as it is. */
  isReadOnce(value: Value): boolean {
    const outer = this.#captured.get(value);
    return this.uses.get(value) === 1 && (!outer || this.isReadOnce(outer));
  }

  input(node: Node, at: number): Ref {
    return this.ref(node.inputs[at]!);
  }

  /** The tensor behind a state; undefined for what is computed, or follows the batch. */
  known(value: Value): KnownTensor | undefined {
    const outer = this.#captured.get(value);
    if (outer) return this.known(outer);
    return this.twins.has(value) ? undefined : (this.#held.get(value) ?? this.tensors.get(value));
  }

  /** A value whose content is known beforehand: it is stored if somebody reads it. */
  hold(value: Value, tensor: KnownTensor): void {
    this.#held.set(value, tensor);
  }

  /** A value that no graph of any batch holds: an error where it is read. */
  spoil(value: Value, error: Error): void {
    this.#spoilt.set(value, error);
  }

  /** The step that computes a value; undefined for what comes from outside. */
  definition(value: Value): Node | undefined {
    const outer = this.#captured.get(value);
    return outer ? this.definition(outer) : this.definitions.get(value);
  }

  #stored(value: Value): Ref | undefined {
    const twin = this.twins.get(value);
    if (twin) return this.repeated(value.name, this.extents.shape(value), this.tensors.get(value)!, twin);
    const tensor = this.known(value);
    return tensor && this.stored(tensor.name, tensor.dtype, tensor.shape, tensor.data);
  }

  /** The numbers behind a value that is a constant, one for each element. */
  listed(value: Value): readonly number[] | undefined {
    const outer = this.#captured.get(value);
    const numbers = outer ? this.listed(outer) : this.#listed.get(value);
    const count = elementCount(value.type.shape);
    return numbers?.length === 1 ? new Array<number>(count).fill(numbers[0]!) : numbers;
  }

  /** Notes what a constant holds. */
  list(value: Value, numbers: readonly number[]): void {
    this.#listed.set(value, numbers);
  }

  /** A tensor with a name of its own. */
  stored(name: string, dtype: DType, dims: Shape, data: KnownTensor['data']): Ref {
    const ref: Ref = { name: this.claim(name), hint: name };
    this.initializers.push({ name: ref.name!, elem: ELEM_OF[dtype], dims, data: bytesIn(data) });
    return ref;
  }

  /** A name that nothing has yet. */
  claim(wanted: string): string {
    let name = wanted;
    for (let i = 1; this.#taken.has(name); i++) name = `${wanted}_${i}`;
    this.#taken.add(name);
    return name;
  }

  // Nodes.

  op(op: string, inputs: readonly (Ref | undefined)[], attributes: MadeNode['attributes'] = {}): Ref {
    return this.ops(op, inputs, attributes, 1)[0]!;
  }

  ops(op: string, inputs: readonly (Ref | undefined)[], attributes: MadeNode['attributes'], outputs: number): Ref[] {
    const made = this.#nodeOf(op, inputs, attributes, outputs);
    this.#scope.push(made);
    return [...made.outputs];
  }

  /** An operator of the model's own (`functions.ts`). */
  own(name: string, inputs: readonly Ref[], outputs: number): Ref[] {
    this.functions.add(name);
    const made = { ...this.#nodeOf(name, inputs, {}, outputs), domain: OWN };
    this.#scope.push(made);
    return [...made.outputs];
  }

  #nodeOf(op: string, inputs: readonly (Ref | undefined)[], attributes: MadeNode['attributes'], outputs: number) {
    const made: Ref[] = Array.from({ length: outputs }, () => ({ hint: `${this.#layer}/${op}` }));
    return { op, inputs: withoutTail(inputs), outputs: made, attributes };
  }

  /** Nodes made by `make` go into a scope of their own: the body of a loop. */
  within<T>(make: () => T): { readonly nodes: MadeNode[]; readonly result: T } {
    const outer = this.#scope;
    const layer = this.#layer;
    const nodes: MadeNode[] = [];
    this.#scope = nodes;
    const result = make();
    this.#scope = outer;
    this.#layer = layer;
    return { nodes, result };
  }

  /** A value that a body takes. */
  port(value: Value): MadePort {
    const ref: Ref = { hint: `${this.#layer}/${value.name.slice(value.name.lastIndexOf('/') + 1)}` };
    this.bind(value, ref);
    return { ref, dtype: value.type.dtype, shape: this.extents.shape(value) };
  }

  /** A body of nodes; what it gives has to be made in it, each result apart. */
  block(name: string, inputs: readonly MadePort[], make: () => readonly MadePort[]): MadeGraph {
    const { nodes, result } = this.within(() => {
      const given = new Set<Ref>();
      return make().map((port): MadePort => {
        const own = this.#scope.some((node) => node.outputs.includes(port.ref)) && !given.has(port.ref);
        const ref = own ? port.ref : this.op('Identity', [port.ref]);
        given.add(ref);
        return { ...port, ref };
      });
    });
    return { body: { name: `${this.#layer}/${name}`, nodes, inputs, outputs: result } };
  }

  /** A value that a body gives. */
  given(ref: Ref, like: Value): MadePort {
    return { ref, dtype: like.type.dtype, shape: this.extents.shape(like) };
  }

  // Constants.

  constant(dtype: DType, shape: Shape, values: readonly number[], hint = 'constant'): Ref {
    const data = arrayOf(dtype, elementCount(shape), values);
    const key = `${dtype}[${shape.join(',')}] ${Buffer.from(bytesIn(data)).toString('latin1')}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const short = shape.length < 2 && data.length <= NAMED_LENGTH;
    const ref = this.stored(short ? `${dtype}(${Array.from(data, String).join(',')})` : hint, dtype, shape, data);
    this.#constants.set(key, ref);
    return ref;
  }

  scalar(dtype: DType, value: number): Ref {
    return this.constant(dtype, [], [value]);
  }

  integers(values: readonly number[]): Ref {
    return this.constant('i64', [values.length], values, `${this.#layer}/integers`);
  }

  /** Numbers that are alike for every sample, as two batch sizes show. */
  repeated(name: string, shape: readonly Extent[], first: Listed, second: Listed): Ref {
    const [count, ...rest] = shape;
    if (count === undefined || isFixed(count) || count.fixed !== 0 || !rest.every(isFixed)) {
      throw new BatchError(undefined, 'numbers that depend on the batch');
    }
    const period = count.per * elementCount(rest);
    const once = first.data.slice(0, period);
    for (const { data } of [first, second]) {
      if (data.some((x: number | bigint, i: number) => !Object.is(x, once[i % period]))) {
        throw new BatchError(undefined, 'numbers that depend on the batch');
      }
    }
    const one = this.stored(name, first.dtype, [count.per, ...rest], once);
    return this.op('Tile', [one, this.shape([{ fixed: 0, per: 1 }, ...rest.map(() => 1)])]);
  }

  /** One value everywhere. */
  filled(dtype: DType, shape: readonly Extent[], value: number): Ref {
    if (shape.every(isFixed) && elementCount(shape) <= STORED_ELEMENTS) {
      return this.constant(dtype, shape, [value], `${this.#layer}/filled`);
    }
    return this.op('ConstantOfShape', [this.shape(shape)], { value: { tensor: oneElement(dtype, value) } });
  }

  // Shapes.

  /** The input that tells the batch. */
  batchFrom(ref: Ref, axis: number, { fixed, per }: { fixed: number; per: number }): void {
    if (this.#batch) return;
    let extent = this.#before('Shape', [ref], { start: axis, end: axis + 1 });
    if (fixed !== 0) extent = this.#before('Sub', [extent, this.integers([fixed])]);
    if (per !== 1) extent = this.#before('Div', [extent, this.integers([per])]);
    this.#batch = extent;
  }

  /** A list of extents as a tensor. */
  shape(extents: readonly Extent[]): Ref {
    if (extents.every(isFixed)) return this.integers(extents);
    const key = JSON.stringify(extents);
    const known = this.#shapes.get(key);
    if (known) return known;
    const parts: Ref[] = [];
    for (let at = 0; at < extents.length;) {
      const extent = extents[at]!;
      if (isFixed(extent)) {
        const rest = extents.slice(at);
        const end = rest.findIndex((each) => !isFixed(each));
        const run = (end < 0 ? rest : rest.slice(0, end)) as number[];
        parts.push(this.integers(run));
        at += run.length;
      } else {
        parts.push(this.#extent(extent));
        at++;
      }
    }
    const ref = parts.length === 1 ? parts[0]! : this.#before('Concat', parts, { axis: 0 });
    this.#shapes.set(key, ref);
    return ref;
  }

  #extent({ fixed, per }: Exclude<Extent, number>): Ref {
    if (!this.#batch) throw new InternalError('no input tells the batch');
    const scaled = per === 1 ? this.#batch : this.#before('Mul', [this.#batch, this.integers([per])]);
    return fixed === 0 ? scaled : this.#before('Add', [scaled, this.integers([fixed])]);
  }

  #before(op: string, inputs: readonly Ref[], attributes: MadeNode['attributes'] = {}): Ref {
    const ref: Ref = { hint: `batch/${op}` };
    this.prologue.push({ op, inputs, outputs: [ref], attributes });
    return ref;
  }

  /** A view in another shape: extents that follow the batch are copied or inferred where ONNX can. */
  reshape(ref: Ref, from: readonly Extent[], to: readonly Extent[]): Ref {
    const open = to.filter((extent) => !isFixed(extent)).length;
    const empty = to.includes(0);
    if (open === 0 || empty) return this.op('Reshape', [ref, this.shape(to)]);
    const copied = to.map((extent, axis) => !isFixed(extent) && axis < from.length && same(extent, from[axis]!));
    const left = to.filter((extent, axis) => !isFixed(extent) && !copied[axis]).length;
    if (left > 1) return this.op('Reshape', [ref, this.shape(to)]);
    const list = to.map((extent, axis) => (isFixed(extent) ? extent : open === 1 || !copied[axis] ? -1 : 0));
    return this.op('Reshape', [ref, this.integers(list)]);
  }

  cast(ref: Ref, dtype: DType): Ref {
    return this.op('Cast', [ref], { to: ELEM_OF[dtype] });
  }
}

function same(a: Extent, b: Extent): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function withoutTail<T>(list: readonly (T | undefined)[]): readonly (T | undefined)[] {
  const end = list.findLastIndex((item) => item !== undefined);
  return list.slice(0, end + 1);
}

function oneElement(dtype: DType, value: number): OnnxTensor {
  return { name: 'value', elem: ELEM_OF[dtype], dims: [1], data: bytesIn(arrayOf(dtype, 1, [value])) };
}

/** One value fills, or all are listed. */
export function arrayOf(dtype: DType, count: number, values: readonly number[]): KnownTensor['data'] {
  const data = typedArray(dtype, count);
  for (let i = 0; i < count; i++) {
    const value = values.length === 1 ? values[0]! : values[i]!;
    if (data instanceof BigInt64Array) data[i] = BigInt(value);
    else data[i] = value;
  }
  return data;
}
