/** Operators element by element: functions of one tensor, arithmetic, comparisons, logic. */
import type { Fields } from '../../../../frontend/spec';
import { elemName, ELEM, isFloatElem, rangeOf, type Elem } from '../../../formats/onnx/types';
import { differing, shortest, type Emitter } from '../emitter';
import type { Handler, Handlers, Node } from '../node';
import { count, sameExtents, type Value } from '../value';

/** The same function under our name. */
const FLOAT_UNARY: Readonly<Record<string, string>> = {
  Sqrt: 'sqrt',
  Reciprocal: 'reciprocal',
  Erf: 'erf',
  Exp: 'exp',
  Log: 'log',
  Floor: 'floor',
  Ceil: 'ceil',
  Round: 'round',
  Sin: 'sin',
  Cos: 'cos',
  Tan: 'tan',
  Asin: 'asin',
  Acos: 'acos',
  Atan: 'atan',
  Sinh: 'sinh',
  Cosh: 'cosh',
  Asinh: 'asinh',
  Acosh: 'acosh',
  Atanh: 'atanh',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
  Softsign: 'softsign',
  Softplus: 'softplus',
  HardSwish: 'hard_swish',
  Mish: 'mish',
};

/** Those that take whole numbers too. */
const NUMBER_UNARY: Readonly<Record<string, string>> = { Abs: 'abs', Neg: 'neg', Sign: 'sign' };

const unary =
  (type: string): Handler =>
  (node) =>
    keep(node.e, (x) => node.e.unary(type, node.e.float(x)), node.in(0));

/** Computes in float32 and gives the type that came. */
function keep(e: Emitter, compute: (x: Value) => Value, x: Value): Value {
  const made = compute(x);
  return isFloatElem(x.elem) ? { ...made, elem: x.elem } : e.cast(made, x.elem);
}

/** An activation layer with fields that are left out where they are our defaults. */
const activation =
  (type: string, fields: (node: Node) => Fields, defaults: Fields = {}): Handler =>
  (node) =>
    node.e.unary(type, node.e.float(node.in(0)), differing(fields(node), defaults));

const relu: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  if (isFloatElem(x.elem)) return e.unary('relu', x);
  return e.merge(
    'maximum',
    [e.number(x), e.known([0], [], x.elem)].map((value) => e.number(value)),
  );
};

const selu: Handler = (node) => {
  const [alpha, gamma] = [node.float('alpha', 1.6732632), node.float('gamma', 1.050701)];
  const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-4;
  const x = node.e.float(node.in(0));
  if (near(alpha, 1.6732632) && near(gamma, 1.050701)) return node.e.unary('selu', x);
  return node.e.expr(`${gamma} * where(x > 0, x, ${alpha} * expm1(x))`, [x]);
};

const clip: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const bound = (name: string, index: number): Value | number | undefined => {
    if (node.has(name)) return node.float(name, 0);
    const value = node.maybe(index);
    return value?.known === undefined ? value : value.known[0];
  };
  const [low, high] = [bound('min', 1), bound('max', 2)];
  const isNumber = (value: unknown): boolean => value === undefined || typeof value === 'number';
  if (isNumber(low) && isNumber(high) && isFloatElem(x.elem)) {
    if (typeof low === 'number' && typeof high === 'number' && low > high)
      return e.expr(`x * 0 + ${shortest(high)}`, [e.float(x)], x.elem);
    if (low === 0 && high === 6) return e.unary('relu6', e.float(x));
    if (low === 0 && isUnbounded(high)) return e.unary('relu', e.float(x));
    const fields = {
      ...(isUnbounded(low) ? {} : { min: shortest(low as number) }),
      ...(isUnbounded(high) ? {} : { max: shortest(high as number) }),
    };
    return Object.keys(fields).length === 0 ? x : e.unary('clip', e.float(x), fields);
  }
  const value = (bound: Value | number): Value =>
    e.number(typeof bound === 'number' ? e.known([bound], [], x.elem) : bound);
  const held = low === undefined ? e.number(x) : e.merge('maximum', e.alike([e.number(x), value(low)]));
  const made = high === undefined ? held : e.merge('minimum', e.alike([held, value(high)]));
  return { ...made, elem: x.elem };
};

function isUnbounded(bound: unknown): boolean {
  return bound === undefined || Math.abs(bound as number) >= 3.4e38;
}

const prelu: Handler = (node) => {
  const { e } = node;
  const [x, slope] = [node.in(0), node.in(1)];
  if (!isFloatElem(x.elem)) return e.expr('where(a < 0, a * b, a)', [x, slope], x.elem);
  const own =
    slope.shape.length === 1 && slope.shape[0] === x.shape[1] && x.shape.length === 2 ? [slope.shape[0]!] : undefined;
  // One slope for each channel, written [C, 1, 1] or [1, C, 1, 1] so that it stretches.
  const behind = x.shape.length - 2;
  const stretched = [...Array<number>(Math.max(0, x.shape.length - slope.shape.length)).fill(1), ...slope.shape];
  const perChannel = behind >= 0 && stretched.every((extent, axis) => extent === (axis === 1 ? x.shape[1] : 1));
  if (slope.known !== undefined && count(slope.shape) === 1)
    return e.weighted('prelu', [x], { slopes: 'one' }, { shape: x.shape }, { slope: e.reshape(slope, [1]) });
  // Before opset 7 slopes did not stretch: there was one for each channel.
  const old = node.opset < 7 && slope.shape.length === 1 && slope.shape[0] === x.shape[1];
  if (perChannel || own !== undefined || old)
    return e.weighted('prelu', [x], {}, { shape: x.shape }, { slope: e.reshape(slope, [x.shape[1]!]) });
  return e.expr('where(a < 0, a * b, a)', [x, slope], x.elem);
};

type Both = 'add' | 'sub' | 'mul' | 'div';

/** Arithmetic on two tensors; with known numbers as a scale, a shift or a formula. */
const arithmetic =
  (type: Both): Handler =>
  (node) => {
    const { e } = node;
    const [a, b] = versionedSides(node);
    if (type === 'div' && !isFloatElem(a.elem) && wraps(a.elem, [-(2 ** 24), 2 ** 24]))
      node.around.note('its integers are divided in float32: exact up to 2^24');
    const made = merged(e, type, a, b);
    return { ...made, elem: a.elem };
  };

/** Before opset 7 the second tensor was laid against an axis of the first. */
function versionedSides(node: Node): [Value, Value] {
  const [a, b] = [node.in(0), node.in(1)];
  if (node.opset >= 7 || !node.flag('broadcast')) return [a, b];
  const axis = node.int('axis', a.shape.length - b.shape.length);
  const first = axis < 0 ? axis + a.shape.length : axis;
  const behind = a.shape.length - first - b.shape.length;
  return behind <= 0 ? [a, b] : [a, node.e.reshape(b, [...b.shape, ...Array<number>(behind).fill(1)])];
}

function merged(e: Emitter, type: Both, a: Value, b: Value): Value {
  const float = isFloatElem(a.elem);
  if (!float && type === 'div') {
    const quotient = e.merge('div', [e.float(a), e.float(b)]);
    return e.cast({ ...quotient, elem: ELEM.float }, a.elem);
  }
  if (!float) {
    const made = e.merge(type, e.alike([e.number(a), e.number(b)]));
    const held = rangeOf(a.elem);
    // Sums and products of few bits are computed in more of them.
    if (held === undefined || a.elem === ELEM.int32) return made;
    const wide = { ...made, elem: made.dtype === 'i64' ? ELEM.int64 : ELEM.int32 };
    return OWN.has(a.elem) ? e.cast(wide, a.elem) : wrapped(e, wide, a.elem, held);
  }
  const [x, y] = [e.float(a), e.float(b)];
  if (y.known !== undefined && x.known === undefined) {
    const short = byNumbers(e, type, x, y);
    if (short) return short;
  }
  if (x.known !== undefined && y.known === undefined) {
    if (type === 'add' || type === 'mul') return merged(e, type, b, a);
    if (count(x.shape) === 1 && x.shape.length <= y.shape.length) {
      const sign = type === 'sub' ? '-' : '/';
      return e.expr(`${shortest(x.known[0]!)} ${sign} x`, [y]);
    }
  }
  return e.merge(type, [x, y]);
}

/** x with fixed numbers: `rescale` by one number, `scale` and `bias` along axes by a tensor of the source. */
function byNumbers(e: Emitter, type: Both, x: Value, y: Value): Value | undefined {
  const numbers = y.known!;
  if (y.shape.length > x.shape.length || x.shape.length === 0) return undefined;
  if (numbers.length === 1) {
    const number = shortest(numbers[0]!);
    if (!Number.isFinite(number)) return undefined;
    if (type === 'mul') return number === 1 ? x : e.unary('rescale', x, { scale: number });
    if (type === 'div') {
      if (number === 1) return x;
      const inverse = 1 / number;
      return Number.isInteger(Math.log2(Math.abs(number)))
        ? e.unary('rescale', x, { scale: inverse })
        : e.expr(`x / ${number}`, [x]);
    }
    if (type === 'add' && y.tensor !== undefined && isBias(x))
      return e.weighted('bias', [x], {}, { shape: x.shape }, { bias: e.reshape(y, [1]) });
    const offset = type === 'add' ? number : -number;
    return offset === 0 ? x : e.unary('rescale', x, { scale: 1, offset });
  }
  if ((type !== 'add' && type !== 'mul') || y.tensor === undefined) return undefined;
  const along = axesOf(x.shape, y.shape);
  if (along === undefined) return undefined;
  const [axis, axes] = along;
  const weight = e.reshape(y, x.shape.slice(axis, axis + axes));
  const behind = axis + axes === x.shape.length && x.shape.length > 2 && axis > 1;
  const fields = {
    ...(axis === 1 ? {} : { axis: behind ? axis - x.shape.length : axis }),
    ...(axes === 1 ? {} : { num_axes: axes }),
  };
  return type === 'mul'
    ? e.weighted('scale', [x], fields, { shape: x.shape }, { weight })
    : e.weighted('bias', [x], fields, { shape: x.shape }, { bias: weight });
}

/** The one filter or unit of a layer without biases. */
function isBias(x: Value): boolean {
  const layer = x.from && 'layer' in x.from ? x.from.layer : undefined;
  return layer !== undefined && (layer.fields.units === 1 || layer.fields.filters === 1) && x.shape[1] === 1;
}

/** The axes of x along which y differs, where it has all of their elements: the first one, and how many. */
function axesOf(x: readonly number[], y: readonly number[]): readonly [number, number] | undefined {
  const padded = [...Array<number>(x.length - y.length).fill(1), ...y];
  const first = padded.findIndex((extent) => extent !== 1);
  const last = padded.findLastIndex((extent) => extent !== 1);
  if (first < 1) return undefined;
  const own = x.slice(first, last + 1);
  return sameExtents(own, padded.slice(first, last + 1)) ? [first, own.length] : undefined;
}

const pow: Handler = (node) => {
  const { e } = node;
  const [x, y] = versionedSides(node);
  return keep(
    e,
    (base) => {
      const f = e.float(base);
      if (y.known?.length === 1 && y.shape.length <= x.shape.length) {
        const power = shortest(y.known[0]!);
        if (power === 2) return e.unary('square', f);
        if (power === 0.5) return e.unary('sqrt', f);
        if (power === 1) return f;
        return e.unary('pow', f, { power });
      }
      return e.merge('pow', [f, e.float(y)]);
    },
    x,
  );
};

const mod: Handler = (node) => {
  const { e } = node;
  const [a, b] = [node.in(0), node.in(1)];
  if (!node.flag('fmod')) return { ...e.merge('mod', e.alike([e.number(a), e.number(b)])), elem: a.elem };
  // With the sign of the first: what is left after the quotient is cut off.
  const made = e.expr('a - b * sign(a / b) * floor(abs(a / b))', [e.float(a), e.float(b)]);
  return keep(e, () => made, a);
};

/** Comparisons give bool. */
const comparison =
  (type: string): Handler =>
  (node) => {
    const { e } = node;
    const [a, b] = versionedSides(node);
    const sides = a.dtype === 'bool' ? [e.number(a), e.number(b)] : e.alike([a, b]);
    return e.merge(type, sides, { elem: ELEM.bool });
  };

const logical =
  (type: string): Handler =>
  (node) =>
    node.e.merge(type, versionedSides(node), { elem: ELEM.bool });

/** Any number of tensors into one. */
const variadic =
  (type: string, float = false): Handler =>
  (node) => {
    const { e } = node;
    const all = node.all();
    if (all.length === 1) return all[0]!;
    const values = e.alike(all.map((value) => (float ? e.float(value) : e.number(value))));
    return { ...e.merge(type, values), elem: all[0]!.elem };
  };

const where: Handler = (node) => {
  const { e } = node;
  const [test, ...sides] = node.all() as [Value, Value, Value];
  const bools = sides[0].dtype === 'bool';
  const numbers = e.alike(bools ? sides.map((side) => e.number(side)) : sides);
  const { values } = e.align([test, ...numbers]);
  const shape = e.align([test, ...sides]).shape;
  const made = e.layer('where', values, {}, { shape, elem: sides[0].elem, dtype: numbers[0]!.dtype });
  return bools ? e.cast(made, ELEM.bool) : made;
};

/** Integers that are held as what they are, and wrap around by themselves. */
const OWN = new Set<Elem>([ELEM.int32, ELEM.uint8]);

type Range = readonly [number, number];

/** Whether integers of a type may lie outside of a range; of floats those that are held by fewer than 8 bits. */
function wraps(elem: Elem, [low, high]: Range): boolean {
  if (elem === ELEM.bool) return false;
  if (isFloatElem(elem)) return high - low < 255;
  const [least, most] = rangeOf(elem) ?? [-Infinity, Infinity];
  return least < low || most > high;
}

/** Integers that go on from the other end of their range. */
function wrapped(e: Emitter, x: Value, elem: Elem, [low, high]: Range): Value {
  const whole = isFloatElem(x.elem) ? e.cast(x, ELEM.int32) : e.number(x);
  const wide = high > 2 ** 31 ? e.cast(whole, ELEM.int64) : whole;
  const shifted = (value: Value, by: number): Value =>
    by === 0 ? value : e.merge('add', [value, { ...e.scalar(by, wide.elem), dtype: wide.dtype }]);
  const size = { ...e.scalar(high - low + 1, wide.elem), dtype: wide.dtype };
  return e.cast(shifted(e.merge('mod', [shifted(wide, -low), size]), low), elem);
}

const cast: Handler = (node) => {
  const x = node.in(0);
  const elem = node.op === 'CastLike' ? node.in(1).elem : node.int('to', ELEM.float);
  if (isFloatElem(elem) && elem !== ELEM.float && elem !== x.elem)
    node.around.warn(
      `the source casts to ${elemName(elem)}; here it is float32, neither rounded nor held within its range`,
    );
  const held = rangeOf(elem);
  return held === undefined || OWN.has(elem) || !wraps(x.elem, held)
    ? node.e.cast(x, elem)
    : wrapped(node.e, x, elem, held);
};

export const ELEMENTWISE: Handlers = {
  ...Object.fromEntries(Object.entries(FLOAT_UNARY).map(([op, type]) => [op, unary(type)])),
  ...Object.fromEntries(
    Object.entries(NUMBER_UNARY).map(([op, type]): [string, Handler] => [
      op,
      ({ e, inputs }) => ({ ...e.unary(type, e.number(inputs[0]!)), elem: inputs[0]!.elem }),
    ]),
  ),
  Relu: relu,
  LeakyRelu: activation('leaky_relu', (node) => ({ slope: node.float('alpha', 0.01) }), { slope: 0.01 }),
  Elu: activation('elu', (node) => ({ alpha: node.float('alpha', 1) }), { alpha: 1 }),
  Celu: activation('celu', (node) => ({ alpha: node.float('alpha', 1) }), { alpha: 1 }),
  Selu: selu,
  HardSigmoid: activation(
    'hard_sigmoid',
    (node) => ({
      slope: node.float('alpha', 0.2),
      offset: node.float('beta', 0.5),
    }),
    { offset: 0.5 },
  ),
  ThresholdedRelu: activation('threshold', (node) => ({ threshold: node.float('alpha', 1) }), { threshold: 0 }),
  Gelu: activation('gelu', (node) => ({ approximate: node.text('approximate', 'none') }), { approximate: 'none' }),
  Swish: (node) => {
    const alpha = node.float('alpha', 1);
    const x = node.e.float(node.in(0));
    return alpha === 1 ? node.e.unary('silu', x) : node.e.unary('swish', x, { beta: alpha });
  },
  Shrink: (node) => {
    const [bias, lambd] = [node.float('bias', 0), node.float('lambd', 0.5)];
    const x = node.in(0);
    return keep(
      node.e,
      (value) =>
        node.e.expr(`where(x < ${-lambd}, x + ${bias}, where(x > ${lambd}, x - ${bias}, 0))`, [node.e.float(value)]),
      x,
    );
  },
  PRelu: prelu,
  Clip: clip,
  Add: arithmetic('add'),
  Sub: arithmetic('sub'),
  Mul: arithmetic('mul'),
  Div: arithmetic('div'),
  Pow: pow,
  Mod: mod,
  Sum: variadic('add', true),
  Mean: variadic('average', true),
  Max: variadic('maximum'),
  Min: variadic('minimum'),
  Equal: comparison('equal'),
  Less: comparison('less'),
  LessOrEqual: comparison('less_equal'),
  Greater: comparison('greater'),
  GreaterOrEqual: comparison('greater_equal'),
  And: logical('logical_and'),
  Or: logical('logical_or'),
  Xor: logical('logical_xor'),
  Not: ({ e, inputs }) => e.unary('logical_not', inputs[0]!),
  IsNaN: ({ e, inputs }) => e.layer('is_nan', [e.float(inputs[0]!)], {}, { shape: inputs[0]!.shape, elem: ELEM.bool }),
  IsInf: (node) => {
    const signs = [node.flag('detect_negative', true) ? '-1' : '', node.flag('detect_positive', true) ? '1' : ''];
    const [low, high] = signs;
    const x = node.e.float(node.in(0));
    const tests = [...(low ? ['x < -3.4028235e38'] : []), ...(high ? ['x > 3.4028235e38'] : [])];
    return node.e.expr(tests.length === 0 ? 'x != x and x == x' : tests.join(' or '), [x], ELEM.bool);
  },
  Where: where,
  'ai.onnx.ml.Binarizer': (node) => {
    const above = node.e.layer(
      'greater',
      [node.in(0)],
      { value: node.float('threshold', 0) },
      { shape: node.in(0).shape, elem: ELEM.bool },
    );
    return node.e.cast(above, node.in(0).elem);
  },
  Cast: cast,
  CastLike: cast,
};
