/**
 * What handlers of operators build a model with: layers in our vocabulary with the shapes of what they give, and the
 * small conversions that every operator needs (numbers of axes brought together, bytes widened, known numbers made a
 * layer of). A handler that cannot say an operator throws `Refused`.
 */
import type { Fields, Json } from '../../../frontend/spec';
import type { DType } from '../../../ir/types';
import { DTYPE_WORD } from '../../words';
import { dtypeOf, elemName, ELEM, isFloatElem, type Elem } from '../../formats/onnx/types';
import type { Body, Layer, LayerTensor } from './layer';
import { joined, permuted, taken } from './numbers';
import { BATCH, broadcast, count, dependsOnBatch, isSymbolic, sameExtents, wordOf, type Value } from './value';

/** An operator that there are no words for; the message says why, without its name. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly hint?: string,
    /** The inputs of the graph whose numbers would help. */
    readonly needs: readonly string[] = [],
  ) {
    super(message);
  }
}

/** Longer lists of numbers go into the weight file. */
const INLINE = 16;
/** Integers have no place in a weight file; more than this is no list to read. */
const LONGEST_LIST = 65_536;
const MOST_AXES = 8;
/** More known numbers than this are put together by a layer. */
const MOST_KNOWN = 2 ** 24;

export interface Outcome {
  readonly shape: readonly number[];
  /** The element type; that of the first input unless said. */
  readonly elem?: Elem;
  readonly dtype?: DType;
  readonly tensors?: Readonly<Record<string, LayerTensor>>;
  readonly bodies?: Readonly<Record<string, Body>>;
}

export class Emitter {
  readonly layers: Layer[] = [];
  /** The node at work and what its layers want to be called. */
  node = 0;
  wish = '';
  /** The batch of the file is one sample, and any number of them here. */
  isOpened = false;
  private readonly made = new Map<Value, Value>();

  /** The emitter of the graph around, for that of a body. */
  constructor(readonly outer?: Emitter) {}

  layer(type: string, inputs: readonly Value[], fields: Fields, made: Outcome): Value {
    const given = inputs.map((input) => this.ref(input));
    const tensors = new Map(Object.entries(made.tensors ?? {}));
    const bodies = made.bodies === undefined ? {} : { bodies: made.bodies };
    const layer: Layer = { type, inputs: given, fields, tensors, wish: this.wish, node: this.node, ...bodies };
    this.layers.push(layer);
    return this.output(layer, made, inputs[0]);
  }

  /** A further output of the layer that made a value. */
  further(first: Value, output: string, made: Outcome): Value {
    if (!first.from || !('layer' in first.from)) throw new Refused('has no such output');
    return { ...this.output(first.from.layer, made, first), from: { layer: first.from.layer, output } };
  }

  private output(layer: Layer, made: Outcome, like: Value | undefined): Value {
    if (made.shape.includes(0)) throw new Refused('gives a tensor without elements, which there are none of here');
    if (made.shape.length > MOST_AXES) throw new Refused(`gives a tensor of ${made.shape.length} axes`);
    const elem = made.elem ?? like?.elem ?? ELEM.float;
    const dtype = made.dtype ?? (made.elem === undefined ? like?.dtype : undefined) ?? this.dtype(elem);
    return { elem, dtype, shape: made.shape, from: { layer } };
  }

  /**
   * A layer with parameters. Known numbers become its tensors; what is computed becomes an input that stands for the
   * parameter, which `given` says.
   */
  weighted(type: string, inputs: readonly Value[], fields: Fields, made: Outcome, params: Params): Value {
    const tensors: Record<string, LayerTensor> = {};
    const given: string[] = [];
    const more: Value[] = [];
    for (const [name, value] of Object.entries(params)) {
      if (value === undefined) continue;
      if (value.known !== undefined) tensors[name] = this.weight(value);
      else {
        given.push(name);
        more.push(this.float(value));
      }
    }
    const said = given.length === 0 ? fields : { ...fields, given };
    return this.layer(type, [...inputs, ...more], said, { ...made, tensors: { ...made.tensors, ...tensors } });
  }

  weight(value: Value): LayerTensor {
    const data = value.known!;
    if (value.shape.includes(0)) throw new Refused('has a weight without elements');
    const tensor = {
      dtype: 'f32',
      shape: value.shape,
      data: data instanceof Float32Array ? data : Float32Array.from(data),
    } as const;
    return {
      tensor,
      ...(value.tensor === undefined ? {} : { source: value.tensor }),
      ...(value.changed === undefined ? {} : { changed: value.changed }),
    };
  }

  dtype(elem: Elem): DType {
    const dtype = dtypeOf(elem);
    if (dtype === undefined) throw new Refused(`works on ${elemName(elem)}, which there is no type for here`);
    return dtype;
  }

  known(data: ArrayLike<number>, shape: readonly number[], elem: Elem = ELEM.int64): Value {
    const typed = data instanceof Float32Array || data instanceof Float64Array;
    const numbers = typed ? data : isFloatElem(elem) ? Float32Array.from(data) : Float64Array.from(data);
    return { elem, dtype: this.dtype(elem), shape, known: numbers };
  }

  scalar(value: number, elem: Elem = ELEM.float): Value {
    return this.known([value], [], elem);
  }

  /** One number everywhere; the batch may be among the extents. */
  filled(shape: readonly number[], value: number, elem: Elem): Value {
    const words = shape.map(wordOf);
    if (words.includes(undefined)) throw new Refused('fills a shape that there are no words for');
    const dtype = this.dtype(elem);
    const word = dtype === 'f32' ? {} : { dtype: DTYPE_WORD[dtype] };
    return this.layer('constant', [], { shape: words as Json[], value: shortest(value), ...word }, { shape, elem });
  }

  /** A tensor without elements: known, and only of use where it is left out. */
  none({ elem, dtype }: Value, shape: readonly number[]): Value {
    return { elem, dtype, shape, known: isFloatElem(elem) ? new Float32Array() : new Float64Array() };
  }

  /** The value as a layer's output or an input: known numbers become a `constant`, many of them a `parameter`. */
  ref(value: Value): Value {
    if (value.items !== undefined) throw new Refused('gives a sequence, which no layer does');
    if (value.known === undefined) return value;
    const there = this.made.get(value);
    if (there) return there;
    const made = this.constant(value);
    this.made.set(value, made);
    return made;
  }

  /** Layers of known numbers are made anew: those there were are gone. */
  forget(): void {
    this.made.clear();
  }

  private constant({ known, shape, dtype, elem, tensor, changed }: Value): Value {
    const data = known!;
    if (data.length === 0) throw new Refused('takes a tensor without elements, which there are none of here');
    if (!isFloatElem(elem) && dependsOnBatch(data)) throw new Refused('computes with the size of the batch');
    const made = { shape, elem, dtype };
    const word: Fields = dtype === 'f32' ? {} : { dtype: DTYPE_WORD[dtype] };
    const finite = data.every((number) => Number.isFinite(number));
    const before = this.wish;
    this.wish = tensor ?? `${before}_constant`;
    try {
      if (finite && data.every((number) => number === data[0]))
        return this.layer('constant', [], { shape: this.words(shape), value: shortest(data[0]!), ...word }, made);
      if (shape.length === 1 && dtype !== 'f32' && data.length > INLINE && data.every((n, i) => n === data[0]! + i))
        return this.arange(data, made, word);
      if (finite && (data.length <= INLINE || (dtype !== 'f32' && data.length <= LONGEST_LIST))) {
        const extents: Fields = shape.length === 1 ? {} : { shape: this.words(shape) };
        return this.layer('constant', [], { ...extents, values: Array.from(data, shortest), ...word }, made);
      }
      if (dtype !== 'f32') throw new Refused(`takes ${data.length} integers that are fixed`);
      const extents = shape.length === 0 ? [1] : [...shape];
      const weight = this.weight({ known: data, shape: extents, elem, dtype, ...named(tensor, changed) });
      const held = this.layer('parameter', [], { shape: extents }, { shape: extents, elem, tensors: { weight } });
      return shape.length === 0 ? this.reshape(held, []) : held;
    } finally {
      this.wish = before;
    }
  }

  private arange(data: NonNullable<Value['known']>, made: Outcome, word: Fields): Value {
    const [first, stop] = [data[0]!, data[0]! + data.length];
    const type = word.dtype === 'int32' ? {} : word;
    return this.layer('arange', [], { ...(first === 0 ? {} : { start: first }), stop, ...type }, made);
  }

  /** A shape as it is written; at most one extent may be a multiple of the batch. */
  words(shape: readonly number[]): Json[] {
    const words = shape.map((extent) => wordOf(extent) ?? -1);
    if (words.filter((word) => word === -1).length > 1) throw new Refused('has a shape that there are no words for');
    return words;
  }

  reshape(x: Value, shape: readonly number[]): Value {
    if (sameExtents(x.shape, shape)) return x;
    if (count(x.shape) !== count(shape))
      throw new Refused(`makes [${this.show(shape)}] of [${this.show(x.shape)}], which has other elements`);
    if (x.known !== undefined) return { ...x, shape };
    const from = x.from && 'layer' in x.from && x.from.output === undefined ? x.from.layer : undefined;
    // Of two reshapes in a row the second one says it all.
    const before = from !== undefined && RESHAPES.has(from.type) ? from.inputs[0]! : x;
    const source = { ...before, elem: x.elem };
    if (sameExtents(source.shape, shape)) return source;
    const flat = shape.length === 2 && shape[0] === source.shape[0] && source.shape.length > 2;
    if (flat) return this.layer('flatten', [source], {}, { shape });
    return this.layer('reshape', [source], { shape: this.words(shape) }, { shape });
  }

  show(shape: readonly number[]): string {
    return shape.map((extent) => wordOf(extent) ?? '?').join(', ');
  }

  permute(x: Value, axes: readonly number[]): Value {
    if (axes.every((axis, i) => axis === i)) return x;
    const shape = axes.map((axis) => x.shape[axis]!);
    if (x.known !== undefined) return { ...x, shape, known: permuted(x.known, x.shape, axes), changed: 'transposed' };
    // Axes of extent 1 may stand anywhere.
    const moving = axes.filter((axis) => x.shape[axis] !== 1);
    if (moving.every((axis, i) => i === 0 || axis > moving[i - 1]!)) return this.reshape(x, shape);
    const from = x.from && 'layer' in x.from ? x.from.layer : undefined;
    // Of two in a row the one that does both.
    if (from?.type === 'permute') {
      const before = from.fields.axes as readonly number[];
      const source: Value = { ...from.inputs[0]!, elem: x.elem };
      return this.permute(
        source,
        axes.map((axis) => before[axis]!),
      );
    }
    return this.layer('permute', [x], { axes: [...axes] }, { shape });
  }

  cast(x: Value, elem: Elem): Value {
    const dtype = this.dtype(elem);
    if (x.dtype === dtype) return { ...x, elem };
    return this.layer('cast', [x], { dtype: DTYPE_WORD[dtype] }, { shape: x.shape, elem, dtype });
  }

  /** In float32, as most layers take it. */
  float(x: Value): Value {
    if (x.dtype === 'f32') return x;
    if (x.known !== undefined) return { ...x, known: Float32Array.from(x.known), elem: ELEM.float, dtype: 'f32' };
    return this.cast(x, ELEM.float);
  }

  /** Bytes and bools as int32, so that they can be negative. */
  number(x: Value): Value {
    if (x.dtype !== 'u8' && x.dtype !== 'bool') return x;
    if (x.known !== undefined) return { ...x, dtype: 'i32' };
    return { ...this.cast(x, ELEM.int32), elem: x.elem };
  }

  /** Integers that indices are made of. */
  index(x: Value): Value {
    return x.dtype === 'i64' || x.dtype === 'i32' ? x : this.cast(x, ELEM.int32);
  }

  /** All of one type: that of the first unless another one is wider. */
  alike(values: readonly Value[]): Value[] {
    const dtypes = new Set(values.map(({ dtype }) => dtype));
    if (dtypes.size === 1) return [...values];
    const elem = dtypes.has('f32') ? ELEM.float : dtypes.has('i64') ? ELEM.int64 : ELEM.int32;
    return values.map((value) => ({ ...this.as(value, elem), elem: value.elem }));
  }

  private as(value: Value, elem: Elem): Value {
    if (value.known !== undefined) return { ...value, elem, dtype: this.dtype(elem) };
    return this.cast(value, elem);
  }

  /** Values of one number of axes, extents of 1 in front of the shorter ones. */
  align(values: readonly Value[], least = 0): { values: Value[]; shape: number[] } {
    const shape = broadcast(values.map((value) => value.shape));
    if (!shape)
      throw new Refused(`cannot bring ${values.map((v) => `[${this.show(v.shape)}]`).join(' and ')} together`);
    const rank = Math.max(shape.length, least);
    const aligned = values.map((value) =>
      this.reshape(value, [...Array<number>(rank - value.shape.length).fill(1), ...value.shape]),
    );
    return { values: aligned, shape };
  }

  /** A layer of several inputs that stretches extents of 1. */
  merge(type: string, values: readonly Value[], made: Omit<Outcome, 'shape'> = {}, fields: Fields = {}): Value {
    const { values: aligned, shape } = this.align(values);
    return this.layer(type, aligned, fields, { shape, ...made });
  }

  unary(type: string, x: Value, fields: Fields = {}): Value {
    return this.layer(type, [x], fields, { shape: x.shape });
  }

  /** A formula on values that are brought to one number of axes: `a`, `b`, `c` in order, or `x` where there is one. */
  expr(expr: string, values: readonly Value[], elem: Elem = ELEM.float): Value {
    const { values: aligned, shape } = this.align(values, 1);
    const rank = Math.max(1, shape.length);
    const names = aligned.length === 1 ? ['x'] : aligned.map((_, i) => 'abcdefgh'[i]!);
    const letters = Array.from({ length: rank }, (_, i) => `D${i}`);
    const fields: Fields = {
      expr,
      names,
      ...(rank > 5 ? { axes: Object.fromEntries(names.map((name) => [name, letters])) } : {}),
    };
    const padded = [...Array<number>(rank - shape.length).fill(1), ...shape];
    return this.reshape(this.layer('expression', aligned, fields, { shape: padded, elem }), shape);
  }

  broadcastTo(x: Value, shape: readonly number[]): Value {
    if (sameExtents(x.shape, shape)) return x;
    const words = shape.map((extent) => wordOf(extent));
    if (words.includes(undefined)) throw new Refused('stretches to a shape that there are no words for');
    if (x.shape.length > shape.length)
      throw new Refused(`stretches [${this.show(x.shape)}] to [${this.show(shape)}], which has fewer axes`);
    const source = this.reshape(x, [...Array<number>(shape.length - x.shape.length).fill(1), ...x.shape]);
    if (sameExtents(source.shape, shape)) return source;
    return this.layer('broadcast_to', [source], { shape: words as Json[] }, { shape });
  }

  reduce(type: string, x: Value, axes: readonly number[], keepdims: boolean): Value {
    const shape = x.shape.flatMap((extent, axis) => (axes.includes(axis) ? (keepdims ? [1] : []) : [extent]));
    const fields = { axes: axes.length === 1 ? axes[0]! : [...axes], ...(keepdims ? { keepdims } : {}) };
    return this.layer(type, [x], fields, { shape });
  }

  /** `size` elements of an axis from `start` on, in steps. */
  slice(x: Value, axis: number, start: number, size: number, step = 1): Value {
    const extent = x.shape[axis];
    if (extent === undefined) throw new Refused(`cuts [${this.show(x.shape)}] along an axis that it lacks`);
    if (start === 0 && size === extent && step === 1) return x;
    if (isSymbolic(extent)) throw new Refused('cuts the batch');
    const shape = x.shape.with(axis, size);
    if (x.known !== undefined) {
      const places = Array.from({ length: size }, (_, i) => start + i * step);
      return { ...x, shape, known: taken(x.known, x.shape, axis, places), changed: 'cut' };
    }
    const last = start + size * step;
    const stop: Fields = step > 0 ? (last >= extent ? {} : { stop: last }) : last < 0 ? {} : { stop: last };
    const first: Fields = start === (step > 0 ? 0 : extent - 1) ? {} : { start };
    const fields = { ...(axis === 1 ? {} : { axis }), ...first, ...stop, ...(step === 1 ? {} : { step }) };
    return this.layer('slice', [x], fields, { shape });
  }

  concat(values: readonly Value[], axis: number): Value {
    if (values.length === 1) return values[0]!;
    if (values.some(({ shape }) => shape.length <= axis))
      throw new Refused('joins tensors along an axis that one lacks');
    const total = values.reduce((sum, value) => sum + value.shape[axis]!, 0);
    const shape = values[0]!.shape.with(axis, total);
    if (count(shape) <= MOST_KNOWN && values.every(({ known }) => known !== undefined)) {
      const parts = values.map((value) => ({ data: value.known!, shape: value.shape }));
      return { ...values[0]!, shape, known: joined(parts, axis), changed: 'put together' };
    }
    return this.layer('concat', values, axis === 1 ? {} : { axis }, { shape });
  }

  /** A border of one value around any axes. */
  pad(x: Value, sides: readonly (readonly [number, number])[], value = 0): Value {
    const axes = sides.flatMap(([low, high], axis) => (low === 0 && high === 0 ? [] : [axis]));
    if (axes.length === 0) return x;
    const shape = x.shape.map((extent, axis) => extent + sides[axis]![0] + sides[axis]![1]);
    if (axes.some((axis) => isSymbolic(x.shape[axis]!))) throw new Refused('pads the batch');
    // Axis 0 counts as the batch of a `pad` layer: a border there is one around axis 1 of a single sample.
    if (axes.includes(0)) {
      const inner = this.pad(this.reshape(x, [1, ...x.shape]), [[0, 0], ...sides], value);
      return this.reshape(inner, shape);
    }
    const padding = axes.map((axis) => [...sides[axis]!]);
    return this.layer('pad', [x], { axes, padding, ...(value === 0 ? {} : { value }) }, { shape });
  }
}

export type Params = Readonly<Record<string, Value | undefined>>;

const RESHAPES = new Set(['reshape', 'flatten', 'expand_dims', 'squeeze']);

function named(tensor?: string, changed?: string): { tensor?: string; changed?: string } {
  return { ...(tensor === undefined ? {} : { tensor }), ...(changed === undefined ? {} : { changed }) };
}

/** The shortest decimal that is this float32. */
export function shortest(value: number): number {
  if (!Number.isFinite(value) || Math.fround(value) !== value || Number.isInteger(value)) return value;
  // Settings such as 1e-5 that were computed are a unit in the last place off.
  const short = Number(value.toPrecision(3));
  if (Math.abs(short - value) < 1.5e-7 * Math.abs(value)) return short;
  for (let digits = 1; digits <= 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
}

/** The entries that differ from what they are by default. */
export function differing(fields: Fields, defaults: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => value !== defaults[name]));
}

/** Extents without the batch in them. */
export function fixed(shape: readonly number[]): readonly number[] {
  if (shape.some((extent) => extent >= BATCH)) throw new Refused('needs to know the batch');
  return shape;
}
