/**
 * Quantized operators, dequantized: what lies between them is computed in float32 and held within the range of its
 * integers, but not rounded. Integers that the model gives out, or that other operators read, are rounded as they say.
 */
import { elemName, isFloatElem, rangeOf, ELEM, type Elem } from '../../../formats/onnx/types';
import { shortest, type Emitter } from '../emitter';
import type { Layer } from '../layer';
import { refuse, type Handler, type Handlers, type Node } from '../node';
import { expanded, type Numbers } from '../numbers';
import { count, type Value } from '../value';
import { product } from './dense';
import { convolve } from './window';

/** How integers stand for numbers: (integer − zero) · scale, one for all, for each place of an axis, or for its blocks. */
interface Scheme {
  readonly scale: Value;
  readonly zero: Value | undefined;
  readonly axis: number;
  readonly block: number;
}

interface Quantized extends Scheme {
  readonly real: Value;
  readonly elem: Elem;
}

/** The numbers that integers were made of. */
const REAL = new WeakMap<Layer, Quantized>();

const UNROUNDED =
  'integers between quantized operators are computed in float32 and not rounded: results differ a little from those of the quantized model';

/** A scale or zero point so that it stretches over a tensor. */
function along(e: Emitter, value: Value, shape: readonly number[], { axis, block }: Scheme): Value {
  if (count(value.shape) === 1) return e.reshape(value, []);
  const behind = shape.length - 1 - axis;
  if (block === 0) {
    // Rows of a matrix may be written [rows, 1].
    if (value.shape.length > 1) return value;
    if (value.shape[0] !== shape[axis]) refuse(`has ${value.shape[0]} scales or zero points for [${e.show(shape)}]`);
    return e.reshape(value, [value.shape[0]!, ...Array<number>(behind).fill(1)]);
  }
  const [blocks, extent] = [value.shape[axis] ?? 0, shape[axis]!];
  if (value.shape.length !== shape.length || Math.ceil(extent / block) !== blocks)
    refuse(`has scales of [${e.show(value.shape)}] for blocks of ${block} in [${e.show(shape)}]`);
  const places = Array.from({ length: extent }, (_, i) => Math.floor(i / block));
  if (value.known === undefined) {
    const fields = { ...(axis === 1 ? {} : { axis }), indices: places };
    return e.layer('gather', [value], fields, { shape: value.shape.with(axis, extent) });
  }
  return e.concat(
    places.map((place) => e.slice(value, axis, place, 1)),
    axis,
  );
}

function stretched(value: Value, shape: readonly number[]): Numbers {
  return expanded(value.known!, value.shape, shape);
}

/** The numbers that integers stand for. */
function dequantized(node: Node, x: Value, scheme: Scheme): Value {
  const { e } = node;
  const before = unrounded(e, x, scheme);
  if (before !== undefined) {
    node.around.warn(UNROUNDED);
    return before;
  }
  const scale = along(e, scheme.scale, x.shape, scheme);
  const zero = scheme.zero && !isNothing(scheme.zero) ? along(e, scheme.zero, x.shape, scheme) : undefined;
  if (x.known !== undefined && scale.known !== undefined && (zero === undefined || zero.known !== undefined)) {
    const [scales, zeros] = [stretched(scale, x.shape), zero && stretched(zero, x.shape)];
    const known = Float32Array.from(x.known, (n, i) => (n - (zeros?.[i] ?? 0)) * scales[i]!);
    const tensor = x.tensor === undefined ? {} : { tensor: x.tensor, changed: 'dequantized' };
    return { elem: ELEM.float, dtype: 'f32', shape: x.shape, known, ...tensor };
  }
  if (isPlain(scale) && scale.known![0] === 1 && zero === undefined) return e.float(x);
  if (isPlain(scale) && (zero === undefined || isPlain(zero)))
    return e.expr(`${zero === undefined ? 'x' : `(x - ${zero.known![0]!})`} * ${shortest(scale.known![0]!)}`, [
      e.float(x),
    ]);
  const rest = zero === undefined ? [] : [e.float(zero)];
  return e.expr(zero === undefined ? 'a * b' : 'a * b - c * b', [e.float(x), e.float(scale), ...rest]);
}

function isPlain(value: Value): boolean {
  return value.known?.length === 1;
}

function isNothing(value: Value): boolean {
  return isFloatElem(value.elem) || (value.known?.every((number) => number === 0) ?? false);
}

/** As integers, half to even. */
function quantized(node: Node, x: Value, scheme: Scheme, elem: Elem): Value {
  const { e } = node;
  const range = rangeOf(elem) ?? refuse(`quantizes to ${elemName(elem)}`);
  const [low, high] = range;
  const scale = along(e, scheme.scale, x.shape, scheme);
  const zero = scheme.zero && !isNothing(scheme.zero) ? along(e, scheme.zero, x.shape, scheme) : undefined;
  const plain = isPlain(scale) && (zero === undefined || isPlain(zero));
  const shift = zero === undefined ? '' : plain ? ` + ${zero.known![0]!}` : ' + c';
  const made = plain
    ? e.expr(`clip(round(x / ${shortest(scale.known![0]!)})${shift}, ${low}, ${high})`, [e.float(x)])
    : e.expr(`clip(round(a / b)${shift}, ${low}, ${high})`, [
        e.float(x),
        e.float(scale),
        ...(zero === undefined ? [] : [e.float(zero)]),
      ]);
  const integers = e.cast(made, elem);
  if (integers.from !== undefined && 'layer' in integers.from)
    REAL.set(integers.from.layer, { ...scheme, real: x, elem });
  return integers;
}

/** Layers that give some of the elements they take, whatever those stand for. */
const PASSING = /^(reshape|flatten|permute|squeeze|expand_dims|slice|select|cast|max_pool[123]d)$/;

/** What was quantized the same way before, held within the range that it then had. */
function unrounded(e: Emitter, x: Value, scheme: Scheme): Value | undefined {
  const found = realOf(e, x);
  if (found === undefined || !isSame(found, scheme) || !isPlain(found.scale)) return undefined;
  const zero = found.zero === undefined ? 0 : isPlain(found.zero) ? found.zero.known![0]! : undefined;
  if (zero === undefined) return undefined;
  const [low, high] = rangeOf(found.elem)!;
  const scale = found.scale.known![0]!;
  const [min, max] = [(low - zero) * scale, (high - zero) * scale].map((bound) => shortest(Math.fround(bound)));
  return e.unary('clip', e.float(found.real), { min: min!, max: max! });
}

function realOf(e: Emitter, x: Value): Quantized | undefined {
  const layer = x.from && 'layer' in x.from && x.from.output === undefined ? x.from.layer : undefined;
  if (layer === undefined) return undefined;
  const own = REAL.get(layer);
  if (own !== undefined || !PASSING.test(layer.type) || layer.inputs.length !== 1 || x.dtype === 'bool') return own;
  const before = realOf(e, layer.inputs[0]!);
  if (before === undefined || count(before.scale.shape) !== 1) return undefined;
  if (layer.type === 'cast') return before;
  return { ...before, real: e.layer(layer.type, [e.float(before.real)], layer.fields, { shape: x.shape }) };
}

function isSame(a: Scheme, b: Scheme): boolean {
  const alike = (one: Value | undefined, other: Value | undefined): boolean => {
    if (one === undefined || other === undefined)
      return (one === undefined || isNothing(one)) && (other === undefined || isNothing(other));
    if (one.known === undefined || other.known === undefined) return false;
    return one.known.length === other.known.length && one.known.every((number, i) => number === other.known![i]);
  };
  return alike(a.scale, b.scale) && alike(a.zero, b.zero);
}

/** A scale and the zero point behind it, along an axis where there are several. */
function schemeAt(node: Node, index: number, axis: number, block = 0): Scheme {
  return { scale: node.in(index), zero: node.maybe(index + 1), axis, block };
}

/** That of an operator with `axis` and `block_size`. */
function schemeOf(node: Node): Scheme {
  const rank = node.in(0).shape.length;
  const several = count(node.in(1).shape) > 1;
  return schemeAt(node, 1, several ? node.axisOf('axis', 1, rank) : 0, node.int('block_size', 0));
}

const quantizeLinear: Handler = (node) => {
  const elem = node.int('output_dtype', 0) || (node.maybe(2)?.elem ?? ELEM.uint8);
  return quantized(node, node.e.float(node.in(0)), schemeOf(node), elem);
};

const dequantizeLinear: Handler = (node) => dequantized(node, node.in(0), schemeOf(node));

/** The result as integers again, by the scale and zero point from an input on. */
function result(node: Node, made: Value, index: number): Value {
  const elem = node.maybe(index + 1)?.elem ?? ELEM.uint8;
  return quantized(node, made, schemeAt(node, index, 0), elem);
}

/** Rows of the first and columns of the second matrix may have scales of their own. */
const qLinearMatMul: Handler = (node) => {
  const [a, b] = [node.in(0), node.in(3)];
  const left = dequantized(node, a, schemeAt(node, 1, Math.max(0, a.shape.length - 2)));
  const right = dequantized(node, b, schemeAt(node, 4, b.shape.length - 1));
  return result(node, product(node.e, left, right), 6);
};

const qLinearConv: Handler = (node) => {
  const { e } = node;
  const image = dequantized(node, node.in(0), schemeAt(node, 1, 1));
  const weight = dequantized(node, node.in(3), schemeAt(node, 4, 0));
  const bias = node.maybe(8);
  // Biases are in units of both scales.
  const times = (one: Value, other: Value): Value =>
    one.known !== undefined && other.known !== undefined && one.known.length === 1
      ? { ...other, known: Float32Array.from(other.known, (scale) => scale * one.known![0]!) }
      : e.merge('mul', [e.float(one), e.float(other)]);
  const real =
    bias && dequantized(node, bias, { scale: times(node.in(1), node.in(4)), zero: undefined, axis: 0, block: 0 });
  return result(node, convolve(node, image, weight, real), 6);
};

/** Integers without their zero point, as float32: whole numbers as long as sums stay below 2^24. */
function centered(node: Node, x: Value, zero: Value | undefined, axis: number): Value {
  const { e } = node;
  const one = e.scalar(1);
  return dequantized(node, x, { scale: one, zero, axis, block: 0 });
}

const matMulInteger: Handler = (node) => {
  const [a, b] = [node.in(0), node.in(1)];
  const left = centered(node, a, node.maybe(2), Math.max(0, a.shape.length - 2));
  const right = centered(node, b, node.maybe(3), b.shape.length - 1);
  return node.e.cast(product(node.e, left, right), ELEM.int32);
};

const convInteger: Handler = (node) => {
  const image = centered(node, node.in(0), node.maybe(2), 1);
  const weight = centered(node, node.in(1), node.maybe(3), 0);
  return node.e.cast(convolve(node, image, weight, undefined), ELEM.int32);
};

/** By the least and the greatest number that come. */
const dynamic: Handler = (node) => {
  const { e } = node;
  const x = e.float(node.in(0));
  const axes = x.shape.map((_, axis) => axis);
  const [least, most] = (['reduce_min', 'reduce_max'] as const).map((type) => e.reduce(type, x, axes, false));
  const low = e.expr('min(x, 0)', [least!]);
  const scale = e.expr('(max(a, 0) - b) / 255', [most!, low]);
  const real = e.expr('round(clip(0 - a / b, 0, 255))', [low, scale]);
  const zero = e.cast(real, ELEM.uint8);
  const y = e.cast(e.expr('clip(round(a / b) + c, 0, 255)', [x, scale, real]), ELEM.uint8);
  return [y, scale, zero];
};

export const QUANTIZED: Handlers = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamic,
  QLinearMatMul: qLinearMatMul,
  QLinearConv: qLinearConv,
  MatMulInteger: matMulInteger,
  ConvInteger: convInteger,
};
