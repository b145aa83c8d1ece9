/**
 * Arithmetic on the bits of integers, which no kernel here sees: each bit is a comparison of a remainder, in an axis of its
 * own behind all others, and the result is the sum of what its bits are worth. Integers are in two's complement.
 */
import { ELEM, elemName, isFloatElem, rangeOf, type Elem } from '../../../formats/onnx/types';
import type { Emitter } from '../emitter';
import { refuse, type Handler, type Handlers, type Node } from '../node';
import type { Value } from '../value';

/** Integers of 64 bits are exact up to 2^53 here, the last of 52 bits standing for all behind it. */
const SIZES = new Map<Elem, number>([
  [ELEM.uint8, 8],
  [ELEM.int8, 8],
  [ELEM.uint16, 16],
  [ELEM.int16, 16],
  [ELEM.uint32, 32],
  [ELEM.int32, 32],
  [ELEM.int64, 52],
  [ELEM.uint64, 52],
]);

function sizeOf(node: Node, elem: Elem): number {
  const size = SIZES.get(elem) ?? refuse(`works on the bits of ${elemName(elem)}`);
  if (size === LARGE) node.around.note('its integers are exact up to 2^51');
  return size;
}

const LARGE = 52;

/** What each bit is worth: 1, 2, 4, … and the last one of signed integers less than nothing. */
function worths(e: Emitter, x: Value, bits: number): Value {
  const sign = leastOf(x.elem) < 0 ? -1 : 1;
  const numbers = Array.from({ length: bits }, (_, k) => (k === bits - 1 ? sign : 1) * 2 ** k);
  return { ...e.known(numbers, [bits], x.elem), dtype: x.dtype };
}

/** [… , bits], true where a bit is set; the lowest first. */
function bitsOf(e: Emitter, x: Value, bits: number): Value {
  const wide = e.reshape(x, [...x.shape, 1]);
  const list = (from: number, size: number): Value => ({
    ...e.known(
      Array.from({ length: size }, (_, k) => 2 ** (k + from)),
      [size],
      x.elem,
    ),
    dtype: x.dtype,
  });
  const typed = (value: Value): Value => ({ ...value, elem: x.elem, dtype: x.dtype });
  const isAtLeast = (value: Value, least: Value): Value =>
    e.merge('greater_equal', [typed(value), least], { elem: ELEM.bool });
  // The remainder has the sign of the divisor: negative numbers have the bits of their two's complement.
  if (x.dtype !== 'i32' || bits < 32) return isAtLeast(e.merge('mod', [wide, list(1, bits)]), list(0, bits));
  // No divisor is large enough for the last two bits: without the sign, the one before is a comparison.
  const sign = e.layer('less', [wide], { value: 0 }, { shape: wide.shape, elem: ELEM.bool });
  const least = { ...e.known([-(2 ** 31)], [1], x.elem), dtype: x.dtype };
  const without = typed(e.merge('sub', [wide, least]));
  const rest = typed(e.merge('where', [sign, without, wide], { elem: x.elem, dtype: x.dtype }));
  const low = isAtLeast(e.merge('mod', [rest, list(1, 30)]), list(0, 30));
  return e.concat([low, isAtLeast(rest, list(30, 1)), sign], x.shape.length);
}

function sumOf(e: Emitter, bits: Value, worth: Value): Value {
  const { values, shape } = e.align([bits, worth]);
  const chosen = e.layer('where', values, { otherwise: 0 }, { shape, elem: worth.elem, dtype: worth.dtype });
  return { ...e.reduce('reduce_sum', chosen, [shape.length - 1], false), elem: worth.elem, dtype: worth.dtype };
}

/** Unsigned integers of 64 bits are held in signed ones. */
function leastOf(elem: Elem): number {
  if (elem === ELEM.int64 || elem === ELEM.uint64) return -1;
  return rangeOf(elem)![0];
}

const bitwise =
  (type: 'logical_and' | 'logical_or' | 'logical_xor'): Handler =>
  (node) => {
    const { e } = node;
    const sides = e.alike([e.number(node.in(0)), e.number(node.in(1))]) as [Value, Value];
    const { elem } = node.in(0);
    const size = sizeOf(node, elem);
    const [a, b] = sides.map((side) => bitsOf(e, { ...side, elem }, size)) as [Value, Value];
    const met = e.merge(type, [a, b], { elem: ELEM.bool });
    return sumOf(e, met, worths(e, { ...sides[0], elem }, size));
  };

const bitwiseNot: Handler = (node) => {
  const { e } = node;
  const x = e.number(node.in(0));
  sizeOf(node, x.elem);
  const greatest = leastOf(x.elem) < 0 ? -1 : rangeOf(x.elem)![1];
  const all = { ...e.known([greatest], x.shape.length === 0 ? [] : [1], x.elem), dtype: x.dtype };
  return { ...e.merge('sub', [all, x]), elem: x.elem };
};

/** Bits move to places that are computed; those that leave are lost. */
const bitShift: Handler = (node) => {
  const { e } = node;
  const { elem } = node.in(0);
  const size = sizeOf(node, elem);
  const [x, by] = e.alike([e.number(node.in(0)), e.number(node.in(1))]) as [Value, Value];
  const left = node.text('direction', '') === 'LEFT';
  const places = {
    ...e.known(
      Array.from({ length: size }, (_, k) => k),
      [size],
      elem,
    ),
    dtype: x.dtype,
  };
  const wide = e.reshape(by, [...by.shape, 1]);
  const moved = e.merge(left ? 'add' : 'sub', left ? [wide, places] : [places, wide]);
  const worth = worths(e, { ...x, elem }, size);
  // A place outside of the number is worth nothing.
  const table = e.concat([worth, { ...e.known([0], [1], elem), dtype: x.dtype }], 0);
  const isInside = e.merge(
    'logical_and',
    [
      e.layer('greater_equal', [moved], { value: 0 }, { shape: moved.shape, elem: ELEM.bool }),
      e.layer('less', [moved], { value: size }, { shape: moved.shape, elem: ELEM.bool }),
    ],
    { elem: ELEM.bool },
  );
  const typed = { shape: moved.shape, elem, dtype: x.dtype };
  const place = e.layer('where', [isInside, { ...moved, dtype: x.dtype }], { otherwise: size }, typed);
  const each = e.layer('gather', [table, place], { axis: 0, batch_dims: 0 }, typed);
  return sumOf(e, bitsOf(e, { ...x, elem }, size), each);
};

/** Between integers of one size: the same number, wrapped into the range of the other. */
const bitCast: Handler = (node) => {
  const { e } = node;
  const x = e.number(node.in(0));
  const to = node.int('to', x.elem);
  if (to === x.elem) return x;
  if (isFloatElem(to) || isFloatElem(x.elem))
    refuse('takes the bits of floats for integers, or the other way round, which nothing here sees');
  const [size, own] = [sizeOf(node, to), sizeOf(node, x.elem)];
  if (size !== own) refuse(`makes elements of ${size} bits of ones of ${own}`);
  if (size === LARGE) return { ...x, elem: to };
  return wrapped(node, x, to, size);
};

function wrapped({ e }: Node, x: Value, to: Elem, size: number): Value {
  const wide = size === 32 ? { ...e.cast(x, ELEM.int64), dtype: 'i64' as const } : x;
  const one = (value: number): Value => ({
    ...e.known([value], x.shape.length === 0 ? [] : [1], x.elem),
    dtype: wide.dtype,
  });
  const span = 2 ** size;
  const typed = (value: Value): Value => ({ ...value, elem: to, dtype: wide.dtype });
  if (rangeOf(to)![0] === 0) return typed(e.merge('mod', [wide, one(span)]));
  const shifted = e.merge('mod', [typed(e.merge('add', [wide, one(span / 2)])), one(span)]);
  const signed = typed(e.merge('sub', [typed(shifted), one(span / 2)]));
  return size === 32 ? { ...e.cast(signed, ELEM.int32), elem: to } : signed;
}

export const BITS: Handlers = {
  BitwiseAnd: bitwise('logical_and'),
  BitwiseOr: bitwise('logical_or'),
  BitwiseXor: bitwise('logical_xor'),
  BitwiseNot: bitwiseNot,
  BitShift: bitShift,
  BitCast: bitCast,
};
