/**
 * Nodes whose inputs are all known are worked out while the model is read: this is how subgraphs that compute shapes,
 * and numbers that are stored in pieces, leave no layers behind. What is not here becomes layers like anything else.
 */
import { elemName, isFloatElem, rangeOf, type Elem, ELEM } from '../../formats/onnx/types';
import { around, expanded, joined, permuted, reduced, strided, strides, taken, type Numbers } from './numbers';
import { refuse, type Node } from './node';
import { broadcast, count, isSymbolic, type Value } from './value';

type Fold = (node: Node) => Value | readonly Value[] | undefined;

/** No shape computation comes near. */
const MOST = 2 ** 24;

function made(node: Node, data: Numbers, shape: readonly number[], elem: Elem): Value {
  return { elem, dtype: node.e.dtype(elem), shape, known: wrapped(data, elem) };
}

/** In the range of the type, as integers wrap around. */
function wrapped(data: Numbers, elem: Elem): Numbers {
  if (isFloatElem(elem)) return data instanceof Float32Array || elem === ELEM.double ? data : Float32Array.from(data);
  const range = rangeOf(elem);
  if (!range) return data instanceof Float64Array ? data : Float64Array.from(data);
  const size = range[1] - range[0] + 1;
  return Float64Array.from(data, (x) => ((((Math.trunc(x) - range[0]) % size) + size) % size) + range[0]);
}

function numbersOf(value: Value): Numbers {
  return value.known!;
}

function unary(compute: (x: number) => number, elem?: Elem): Fold {
  return (node) => {
    const x = node.in(0);
    return made(node, numbersOf(x).map(compute), x.shape, elem ?? x.elem);
  };
}

function variadic(compute: (a: number, b: number, whole: boolean) => number, elem?: Elem): Fold {
  return (node) => {
    const values = node.all();
    const shape = broadcast(values.map((value) => value.shape)) ?? refuse('has inputs that do not fit together');
    if (count(shape) > MOST) return undefined;
    const whole = !isFloatElem(values[0]!.elem);
    const [first, ...rest] = values.map((value) => expanded(numbersOf(value), value.shape, shape));
    const result = rest.reduce((sofar, next) => sofar.map((a, i) => compute(a, next[i]!, whole)), first!);
    // Beyond these integers are not exact here; layers have all 64 bits of them.
    if (whole && result.some((x) => Math.abs(x) > Number.MAX_SAFE_INTEGER)) return undefined;
    return made(node, result, shape, elem ?? values[0]!.elem);
  };
}

function axesOf(node: Node): readonly number[] {
  const rank = node.in(0).shape.length;
  const listed = node.listed('axes', 1);
  if ((listed === undefined || listed.length === 0) && node.flag('noop_with_empty_axes')) return [];
  const axes = listed === undefined || listed.length === 0 ? node.in(0).shape.map((_, axis) => axis) : listed;
  return axes.map((axis) => node.axis(axis, rank));
}

/** `behind`: what becomes of each result, made of so many elements. */
function reduction(
  start: number,
  step: (a: number, b: number) => number,
  behind?: (result: number, size: number) => number,
): Fold {
  return (node) => {
    const x = node.in(0);
    const axes = axesOf(node);
    const folded = reduced(numbersOf(x), x.shape, axes, start, step);
    const size = count(axes.map((axis) => x.shape[axis]!));
    const result = behind === undefined ? folded : folded.map((one) => behind(one, size));
    const keep = node.flag('keepdims', true);
    const shape = x.shape.flatMap((extent, axis) => (axes.includes(axis) ? (keep ? [1] : []) : [extent]));
    return made(node, result, shape, x.elem);
  };
}

const truth = (compute: (a: number, b: number) => boolean): Fold =>
  variadic((a, b) => Number(compute(a, b)), ELEM.bool);

const cast: Fold = (node) => {
  const x = node.in(0);
  const elem = node.op === 'Cast' ? node.int('to', ELEM.float) : node.in(1).elem;
  const data = numbersOf(x);
  if (elem === ELEM.bool)
    return made(
      node,
      Float64Array.from(data, (n) => Number(n !== 0)),
      x.shape,
      elem,
    );
  if (isFloatElem(elem))
    return made(node, elem === ELEM.double ? Float64Array.from(data) : Float32Array.from(data), x.shape, elem);
  if (rangeOf(elem) === undefined && elem !== ELEM.int64 && elem !== ELEM.uint64) refuse(`casts to ${elemName(elem)}`);
  return made(node, Float64Array.from(data, Math.trunc), x.shape, elem);
};

const range: Fold = (node) => {
  const [start, limit, step] = [0, 1, 2].map((i) => numbersOf(node.in(i))[0]!) as [number, number, number];
  const size = Math.max(0, Math.ceil((limit - start) / step));
  // As many as there are samples: a layer.
  if (isSymbolic(size)) return undefined;
  if (!(size <= MOST)) refuse('counts too far');
  return made(
    node,
    Float64Array.from({ length: size }, (_, i) => start + i * step),
    [size],
    node.in(0).elem,
  );
};

const slice: Fold = (node) => {
  const x = node.in(0);
  let [data, shape] = [numbersOf(x), [...x.shape]];
  for (const { axis, start, size, step } of sliceParts(node)) {
    data = taken(
      data,
      shape,
      axis,
      Array.from({ length: size }, (_, i) => start + i * step),
    );
    shape = shape.with(axis, size);
  }
  return made(node, data, shape, x.elem);
};

export interface Part {
  readonly axis: number;
  readonly start: number;
  readonly size: number;
  readonly step: number;
}

/** What `Slice` takes of each axis, ends held inside as NumPy does. */
export function sliceParts(node: Node): Part[] {
  const { shape } = node.in(0);
  const starts = node.listed('starts', 1) ?? refuse('lacks its starts');
  const ends = node.listed('ends', 2) ?? refuse('lacks its ends');
  const axes = node.listed('axes', 3) ?? starts.map((_, i) => i);
  const steps = node.numbers(4, 'steps') ?? starts.map(() => 1);
  return axes.map((written, i) => {
    const axis = node.axis(written, shape.length);
    const extent = shape[axis]!;
    const step = steps[i] ?? 1;
    if (step === 0) refuse('has a step of 0');
    const inside = (at: number, least: number, most: number): number =>
      Math.min(most, Math.max(least, at < 0 ? at + extent : at));
    const [least, most] = step > 0 ? [0, extent] : [-1, extent - 1];
    const start = inside(starts[i]!, step > 0 ? 0 : 0, most);
    const end = inside(ends[i]!, least, most);
    return { axis, start, step, size: Math.max(0, Math.ceil((end - start) / step)) };
  });
}

const gather: Fold = (node) => {
  const [x, indices] = [node.in(0), node.in(1)];
  const axis = node.axisOf('axis', 0, x.shape.length);
  const extent = x.shape[axis]!;
  const places = Array.from(numbersOf(indices), (i) => (i < 0 ? i + extent : i));
  if (places.some((i) => !(i >= 0 && i < extent))) refuse('has an index outside of its axis');
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  if (count(shape) > MOST_FILLED) return undefined;
  return made(node, taken(numbersOf(x), x.shape, axis, places), shape, x.elem);
};

const concat: Fold = (node) => {
  const values = node.all();
  const axis = node.axisOf('axis', 1, values[0]!.shape.length);
  const shape = values[0]!.shape.with(
    axis,
    values.reduce((sum, value) => sum + value.shape[axis]!, 0),
  );
  const parts = values.map((value) => ({ data: numbersOf(value), shape: value.shape }));
  return made(node, joined(parts, axis), shape, values[0]!.elem);
};

const expand: Fold = (node) => {
  const x = node.in(0);
  const shape =
    broadcast([x.shape, node.numbers(1, 'shape') ?? []]) ?? refuse('stretches to a shape that does not fit');
  if (count(shape) > MOST || shape.some(isSymbolic)) return undefined;
  return made(node, expanded(numbersOf(x), x.shape, shape), shape, x.elem);
};

const tile: Fold = (node) => {
  const x = node.in(0);
  const times = node.numbers(1, 'repeats') ?? [];
  const shape = x.shape.map((extent, axis) => extent * (times[axis] ?? 1));
  if (count(shape) > MOST || shape.some(isSymbolic)) return undefined;
  const own = strides(x.shape);
  const pairs = x.shape.flatMap((extent, axis) => [times[axis] ?? 1, extent]);
  const steps = x.shape.flatMap((_, axis) => [0, own[axis]!]);
  return made(node, strided(numbersOf(x), pairs, steps), shape, x.elem);
};

const split: Fold = (node) => {
  const x = node.in(0);
  const axis = node.axisOf('axis', 0, x.shape.length);
  const sizes = splitSizes(node, x.shape[axis]!);
  let first = 0;
  return sizes.map((size) => {
    const indices = Array.from({ length: size }, (_, i) => first + i);
    first += size;
    return made(node, taken(numbersOf(x), x.shape, axis, indices), x.shape.with(axis, size), x.elem);
  });
};

export function splitSizes(node: Node, extent: number): readonly number[] {
  const listed = node.has('split') ? node.ints('split') : node.opset >= 13 ? node.numbers(1, 'sizes') : undefined;
  if (listed !== undefined) {
    return listed.reduce((sum, size) => sum + size, 0) === extent ? listed : refuse('does not cut its axis into parts');
  }
  const parts = node.int('num_outputs', node.proto.outputs.length);
  const size = Math.ceil(extent / parts);
  const sizes = Array.from({ length: parts }, (_, i) => Math.min(size, extent - i * size));
  return sizes.every((one) => one >= 0) ? sizes : refuse(`cuts ${extent} elements into ${parts} parts`);
}

const where: Fold = (node) => {
  const [test, a, b] = node.all() as [Value, Value, Value];
  const shape = broadcast([test.shape, a.shape, b.shape]) ?? refuse('has inputs that do not fit together');
  if (count(shape) > MOST) return undefined;
  const [t, x, y] = [test, a, b].map((value) => expanded(numbersOf(value), value.shape, shape)) as [
    Numbers,
    Numbers,
    Numbers,
  ];
  return made(
    node,
    x.map((one, i) => (t[i] !== 0 ? one : y[i]!)),
    shape,
    a.elem,
  );
};

const nonZero: Fold = (node) => {
  const x = node.in(0);
  const own = strides(x.shape);
  const found = [...numbersOf(x).keys()].filter((i) => numbersOf(x)[i] !== 0);
  const rows = x.shape.flatMap((extent, axis) => found.map((i) => Math.floor(i / own[axis]!) % extent));
  return made(node, Float64Array.from(rows), [x.shape.length, found.length], ELEM.int64);
};

const cumulative: Fold = (node) => {
  const x = node.in(0);
  const axis = node.axis(numbersOf(node.in(1))[0] ?? 0, x.shape.length);
  if (node.flag('exclusive') || node.flag('reverse')) return undefined;
  const [, behind] = around(x.shape, axis);
  const result = Float64Array.from(numbersOf(x));
  for (let i = 0; i < result.length; i++) {
    if (Math.floor(i / behind) % x.shape[axis]! > 0) result[i]! += result[i - behind]!;
  }
  return made(node, result, x.shape, x.elem);
};

const scatterNd: Fold = (node) => {
  const [x, indices, updates] = node.all() as [Value, Value, Value];
  if (node.text('reduction', 'none') !== 'none') return undefined;
  const depth = indices.shape.at(-1)!;
  const own = strides(x.shape);
  const size = count(x.shape.slice(depth));
  const result = numbersOf(x).slice();
  const places = numbersOf(indices);
  for (let i = 0; i * depth < places.length; i++) {
    let at = 0;
    for (let k = 0; k < depth; k++) {
      const index = places[i * depth + k]!;
      at += (index < 0 ? index + x.shape[k]! : index) * own[k]!;
    }
    if (!(at >= 0 && at + size <= result.length)) refuse('has an index outside of its axes');
    result.set(numbersOf(updates).subarray(i * size, (i + 1) * size), at);
  }
  return made(node, result, x.shape, x.elem);
};

const trilu: Fold = (node) => {
  const x = node.in(0);
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const k = node.numbers(1, 'k')?.[0] ?? 0;
  const upper = node.flag('upper', true);
  const kept = numbersOf(x).map((value, i) => {
    const [row, column] = [Math.floor(i / columns) % rows, i % columns];
    return (upper ? column - row >= k : column - row <= k) ? value : 0;
  });
  return made(node, kept, x.shape, x.elem);
};

/** Half to even, as IEEE 754 and NumPy. */
export function rounded(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

export const FOLDS: Readonly<Record<string, Fold>> = {
  Abs: unary(Math.abs),
  Neg: unary((x) => -x),
  Sign: unary(Math.sign),
  Sqrt: unary(Math.sqrt),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Round: unary(rounded),
  Reciprocal: unary((x) => 1 / x),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Tanh: unary(Math.tanh),
  Relu: unary((x) => Math.max(0, x)),
  Not: unary((x) => Number(x === 0)),
  Add: variadic((a, b) => a + b),
  Sub: variadic((a, b) => a - b),
  Mul: variadic((a, b) => a * b),
  Div: variadic((a, b, whole) => (whole ? Math.trunc(a / b) : a / b)),
  Mod: variadic((a, b, whole) => (whole ? a - b * Math.floor(a / b) : a % b)),
  Pow: variadic((a, b) => a ** b),
  Min: variadic((a, b) => Math.min(a, b)),
  Max: variadic((a, b) => Math.max(a, b)),
  Sum: variadic((a, b) => a + b),
  Equal: truth((a, b) => a === b),
  Less: truth((a, b) => a < b),
  LessOrEqual: truth((a, b) => a <= b),
  Greater: truth((a, b) => a > b),
  GreaterOrEqual: truth((a, b) => a >= b),
  And: truth((a, b) => a !== 0 && b !== 0),
  Or: truth((a, b) => a !== 0 || b !== 0),
  Xor: truth((a, b) => (a !== 0) !== (b !== 0)),
  ReduceSum: reduction(0, (a, b) => a + b),
  ReduceMean: reduction(
    0,
    (a, b) => a + b,
    (sum, size) => sum / size,
  ),
  ReduceSumSquare: reduction(0, (a, b) => a + b * b),
  ReduceL1: reduction(0, (a, b) => a + Math.abs(b)),
  ReduceL2: reduction(0, (a, b) => a + b * b, Math.sqrt),
  ReduceLogSum: reduction(0, (a, b) => a + b, Math.log),
  ReduceLogSumExp: reduction(0, (a, b) => a + Math.exp(b), Math.log),
  ReduceProd: reduction(1, (a, b) => a * b),
  ReduceMax: reduction(-Infinity, Math.max),
  ReduceMin: reduction(Infinity, Math.min),
  Cast: cast,
  CastLike: cast,
  Range: range,
  Slice: slice,
  Gather: gather,
  Concat: concat,
  Expand: expand,
  Tile: tile,
  Split: split,
  Where: where,
  NonZero: nonZero,
  CumSum: cumulative,
  ScatterND: scatterNd,
  Trilu: trilu,
  Transpose: (node) => {
    const x = node.in(0);
    const axes = node.ints('perm') ?? x.shape.map((_, axis) => x.shape.length - 1 - axis);
    const shape = axes.map((axis) => x.shape[axis]!);
    return { ...made(node, permuted(numbersOf(x), x.shape, axes), shape, x.elem), ...origin(x, 'transposed') };
  },
  ConstantOfShape: (node) => {
    const shape = node.numbers(0, 'shape') ?? [];
    // As large as the batch: a layer.
    if (shape.some(isSymbolic)) return undefined;
    const value = node.tensor('value');
    const elem = value?.elem ?? ELEM.float;
    const size = count(shape);
    // Weights of models that were made small; the total is bounded where they are taken up.
    if (shape.some((extent) => !(extent >= 0)) || !(size <= MOST_FILLED))
      refuse(`fills [${shape.join(', ')}], which is too large or no shape`);
    const data = isFloatElem(elem) ? new Float32Array(size) : new Float64Array(size);
    return made(node, data.fill(value?.data[0] ?? 0), shape, elem);
  },
};

/** The largest layers of published networks have 2^27 weights. */
const MOST_FILLED = 2 ** 27;

function origin({ tensor }: Value, changed: string): { tensor?: string; changed?: string } {
  return tensor === undefined ? {} : { tensor, changed };
}
