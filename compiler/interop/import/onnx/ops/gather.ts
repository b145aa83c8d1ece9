/** Operators that read or write by indices. */
import type { Fields } from '../../../../frontend/spec';
import { ELEM, isFloatElem } from '../../../formats/onnx/types';
import { fixed, type Emitter } from '../emitter';
import { refuse, type Handler, type Handlers, type Node } from '../node';
import { around, strides } from '../numbers';
import { count, sameExtents, type Value } from '../value';

/** Indices that count from the end become ones that don't. */
export function counted(e: Emitter, indices: Value, extent: number): Value {
  if (indices.known !== undefined) return { ...indices, known: indices.known.map((i) => (i < 0 ? i + extent : i)) };
  const whole = e.index(indices);
  const made = e.expr(`where(x < 0, x + ${extent}, x)`, [whole], indices.elem);
  return { ...made, dtype: whole.dtype };
}

const gather: Handler = (node) => {
  const { e } = node;
  const [x, indices] = [node.in(0), node.in(1)];
  const axis = node.axisOf('axis', 0, x.shape.length);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const extent = x.shape[axis]!;
  if (indices.known !== undefined) {
    const list = [...counted(e, indices, extent).known!];
    if (list.some((index) => !(index >= 0 && index < extent))) refuse('has an index outside of its axis');
    if (indices.shape.length === 0) {
      const fields: Fields = { ...(axis === 1 ? {} : { axis }), ...(list[0] === 0 ? {} : { index: list[0]! }) };
      return e.layer('select', [x], fields, { shape });
    }
    const flat = x.shape.with(axis, list.length);
    return e.reshape(
      e.layer('gather', [x], { ...(axis === 1 ? {} : { axis }), indices: list }, { shape: flat }),
      shape,
    );
  }
  const isTable = x.known !== undefined && isFloatElem(x.elem) && axis === 0 && x.shape.length === 2;
  if (isTable && x.tensor !== undefined && x.dtype === 'f32') {
    const [vocabulary, units] = x.shape as [number, number];
    node.around.note('negative indices are refused here');
    const flat = indices.shape.length === 0 ? e.reshape(e.index(indices), [1]) : e.index(indices);
    const made = e.weighted(
      'embedding',
      [flat],
      { vocabulary, units },
      { shape: [...flat.shape, units], elem: x.elem },
      { weight: x },
    );
    return e.reshape(made, shape);
  }
  const own = counted(e, indices, extent);
  const made = e.layer('gather', [x, own], { ...(axis === 1 ? {} : { axis }), batch_dims: 0 }, { shape });
  return { ...made, elem: x.elem, dtype: x.dtype };
};

const gatherElements: Handler = (node) => {
  const { e } = node;
  const [x, indices] = [node.in(0), node.in(1)];
  const axis = node.axisOf('axis', 0, x.shape.length);
  const cut = indices.shape.reduce((inner, extent, i) => (i === axis ? inner : e.slice(inner, i, 0, extent)), x);
  const own = counted(e, indices, x.shape[axis]!);
  return e.layer('gather_elements', [cut, own], axis === 1 ? {} : { axis }, { shape: indices.shape });
};

/** Places in a tensor whose first axes are one, from lists of indices of each. */
function places(e: Emitter, indices: Value, extents: readonly number[]): Value {
  const depth = indices.shape.at(-1)!;
  const shape = indices.shape.slice(0, -1);
  const own = strides(extents.slice(0, depth));
  if (indices.known !== undefined) {
    const flat = Float64Array.from({ length: count(shape) }, (_, i) =>
      own.reduce((sum, stride, k) => {
        const index = indices.known![i * depth + k]!;
        return sum + (index < 0 ? index + extents[k]! : index) * stride;
      }, 0),
    );
    return e.known(flat, shape);
  }
  const row = (data: readonly number[]): Value => ({ ...e.known(data, [depth]), dtype: indices.dtype });
  const inside = e.expr('where(a < 0, a + b, a)', [e.index(indices), row(extents.slice(0, depth))], indices.elem);
  const typed = { ...inside, dtype: e.index(indices).dtype };
  const scaled = own.every((stride) => stride === 1) ? typed : e.merge('mul', e.alike([typed, row(own)]));
  return e.reduce('reduce_sum', { ...scaled, dtype: typed.dtype }, [indices.shape.length - 1], false);
}

const gatherNd: Handler = (node) => {
  const { e } = node;
  const [x, indices] = [node.in(0), node.in(1)];
  const batch = node.int('batch_dims', 0);
  const depth = indices.shape.at(-1)!;
  const lead = x.shape.slice(0, batch);
  const indexed = fixed(x.shape.slice(batch, batch + depth));
  const rest = x.shape.slice(batch + depth);
  const at = places(e, indices, indexed);
  const samples = count(lead);
  const flat = e.reshape(x, [samples, count(indexed), ...rest]);
  const own = e.reshape(at, [samples, count(at.shape) / samples]);
  const made = e.layer(
    'gather',
    [flat, own],
    {},
    { shape: [samples, own.shape[1]!, ...rest], elem: x.elem, dtype: x.dtype },
  );
  return e.reshape(made, [...indices.shape.slice(0, -1), ...rest]);
};

/** How what is written meets what is there. */
const MEETS: Readonly<Record<string, 'set' | 'add' | 'mul' | 'maximum' | 'minimum'>> = {
  none: 'set',
  add: 'add',
  mul: 'mul',
  max: 'maximum',
  min: 'minimum',
};
/** Products and extremes take a table of every update against every place. */
const MOST_PAIRS = 2 ** 16;

interface Writing {
  /** Lines that are written apart from each other, and what each holds. */
  readonly x: Value;
  /** [lines, updates]: the place in its line that each goes to. */
  readonly at: Value;
  readonly updates: Value;
}

/** Writes into lines [lines, places, …rest]; `at` is [lines, updates]. */
function written(node: Node, { x, at, updates }: Writing): Value {
  const { e } = node;
  const how = MEETS[node.text('reduction', 'none')] ?? refuse(`has the reduction ${node.text('reduction', '')}`);
  const [, size] = x.shape as [number, number];
  const spread = (value: Value): Value =>
    e.layer(
      'scatter',
      [value, at],
      { size },
      { shape: [at.shape[0]!, size, ...value.shape.slice(2)], elem: value.elem, dtype: value.dtype },
    );
  const typed = e.alike([e.number(x), e.number(updates)]) as [Value, Value];
  if (how === 'add') return e.merge('add', [typed[0], spread(typed[1])]);
  if (how === 'set') {
    const ones = e.known(
      new Float32Array(count(at.shape)).fill(1),
      [...at.shape, ...updates.shape.slice(2).map(() => 1)],
      ELEM.float,
    );
    const chosen = e.layer(
      'greater',
      [spread(ones)],
      { value: 0 },
      { shape: [at.shape[0]!, size, ...updates.shape.slice(2).map(() => 1)], elem: ELEM.bool },
    );
    return e.merge('where', [chosen, spread(typed[1]), typed[0]], { elem: x.elem, dtype: typed[0].dtype });
  }
  return met(node, how, typed[0], at, typed[1]);
}

/** Products, greatest and least: every place looks at every update. */
function met(node: Node, how: 'mul' | 'maximum' | 'minimum', x: Value, at: Value, updates: Value): Value {
  const { e } = node;
  const [lines, size, ...rest] = x.shape as [number, number, ...number[]];
  const number = at.shape[1]!;
  if (size * number > MOST_PAIRS) refuse(`multiplies or compares ${number} updates with ${size} places`);
  const hot = e.layer('one_hot', [e.index(at)], { classes: size }, { shape: [lines, number, size], elem: ELEM.float });
  const mask = e.layer('greater', [hot], { value: 0.5 }, { shape: hot.shape, elem: ELEM.bool });
  const ones = rest.map(() => 1);
  const wideMask = e.reshape(mask, [lines, number, size, ...ones]);
  const wide = e.reshape(updates, [lines, number, 1, ...rest]);
  const neutral =
    how === 'mul' ? 1 : (how === 'maximum' ? -1 : 1) * (x.dtype === 'f32' ? 3.4028234663852886e38 : 2 ** 31 - 1);
  const shape = [lines, number, size, ...rest];
  const chosen = e.layer('where', [wideMask, wide], { otherwise: neutral }, { shape, elem: x.elem, dtype: x.dtype });
  const type = { mul: 'reduce_prod', maximum: 'reduce_max', minimum: 'reduce_min' }[how];
  return e.merge(how, [x, e.reduce(type, chosen, [1], false)]);
}

function backTo(e: Emitter, made: Value, x: Value): Value {
  if (x.dtype === 'bool') return e.cast(made, ELEM.bool);
  return { ...made, elem: x.elem };
}

const scatterElements: Handler = (node) => {
  const { e } = node;
  const [x, indices, updates] = [node.in(0), node.in(1), node.in(2)];
  const axis = node.axisOf('axis', 0, x.shape.length);
  // The axis goes behind all others, which become lines; what is not written to is put back around it.
  const order = [...x.shape.map((_, i) => i).filter((i) => i !== axis), axis];
  const back = order.map((_, i) => order.indexOf(i));
  const inner = indices.shape.reduce((cut, extent, i) => (i === axis ? cut : e.slice(cut, i, 0, extent)), x);
  const lined = (value: Value): Value => {
    const turned = e.permute(value, order);
    return e.reshape(turned, [count(turned.shape.slice(0, -1)), turned.shape.at(-1)!]);
  };
  const at = lined(counted(e, indices, x.shape[axis]!));
  const made = written(node, { x: lined(inner), at, updates: lined(updates) });
  const whole = e.permute(
    e.reshape(
      made,
      order.map((i) => inner.shape[i]!),
    ),
    back,
  );
  if (sameExtents(inner.shape, x.shape)) return backTo(e, whole, x);
  return backTo(e, replaced(e, x, whole, 0), x);
};

/** `x` with its first elements along every axis replaced. */
function replaced(e: Emitter, x: Value, part: Value, axis: number): Value {
  if (axis === x.shape.length) return part;
  const [own, all] = [part.shape[axis]!, x.shape[axis]!];
  const first = replaced(e, e.slice(x, axis, 0, own), part, axis + 1);
  return own === all ? first : e.concat([first, e.slice(x, axis, own, all - own)], axis);
}

const scatterNd: Handler = (node) => {
  const { e } = node;
  const [x, indices, updates] = [node.in(0), node.in(1), node.in(2)];
  const depth = indices.shape.at(-1)!;
  const indexed = fixed(x.shape.slice(0, depth));
  const rest = x.shape.slice(depth);
  const at = places(e, indices, indexed);
  const number = count(at.shape);
  const made = written(node, {
    x: e.reshape(x, [1, count(indexed), ...rest]),
    at: e.reshape(at, [1, number]),
    updates: e.reshape(updates, [1, number, ...rest]),
  });
  return backTo(e, e.reshape(made, x.shape), x);
};

const oneHot: Handler = (node) => {
  const { e } = node;
  const [indices, values] = [node.in(0), node.in(2)];
  const classes = node.numbers(1, 'depth')![0] ?? refuse('lacks its depth');
  const rank = indices.shape.length + 1;
  const axis = node.axisOf('axis', -1, rank);
  const shape = indices.shape.toSpliced(axis, 0, classes);
  const own = counted(e, isFloatElem(indices.elem) ? e.cast(indices, ELEM.int64) : indices, classes);
  const fields = { classes, ...(axis === rank - 1 ? {} : { axis }), outside: 'zeros' };
  const hot = e.layer('one_hot', [e.index(own)], fields, { shape, elem: ELEM.float });
  const [off, on] = values.known === undefined ? [undefined, undefined] : [values.known[0]!, values.known[1]!];
  const made =
    off === undefined || on === undefined
      ? chosen(e, hot, values)
      : off === 0 && on === 1
        ? hot
        : e.expr(`x * ${on - off} + ${off}`, [hot]);
  return isFloatElem(values.elem) ? { ...made, elem: values.elem } : e.cast(made, values.elem);
};

function chosen(e: Emitter, hot: Value, values: Value): Value {
  const pick = (i: number): Value => e.reshape(e.slice(e.float(values), 0, i, 1), []);
  return e.expr('a * (c - b) + b', [hot, pick(0), pick(1)]);
}

/** A cache with a stretch of it replaced, from a place of its own for each sample. */
const tensorScatter: Handler = (node) => {
  const { e } = node;
  const [past, update] = [node.in(0), node.in(1)];
  const axis = node.axisOf('axis', -2, past.shape.length);
  const [size, steps] = [past.shape[axis]!, update.shape[axis]!];
  const samples = past.shape[0]!;
  const circular = node.text('mode', 'linear') === 'circular';
  const start = node.maybe(2) ?? e.known(new Float64Array(samples), [samples]);
  const first = e.reshape(e.index(start), [samples, 1]);
  const offset = {
    ...e.known(
      Array.from({ length: steps }, (_, i) => i),
      [1, steps],
    ),
    dtype: first.dtype,
  };
  const sum = e.merge('add', [first, offset]);
  const at = circular ? e.merge('mod', [sum, { ...e.known([size], [1, 1]), dtype: first.dtype }]) : sum;
  const order = [0, axis, ...past.shape.map((_, i) => i).filter((i) => i !== 0 && i !== axis)];
  const made = written(node, { x: e.permute(past, order), at, updates: e.permute(update, order) });
  return backTo(
    e,
    e.permute(
      made,
      order.map((_, i) => order.indexOf(i)),
    ),
    past,
  );
};

const arrayFeatures: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const indices = node.numbers(1, 'indices') ?? refuse('lacks its indices');
  const [before] = around(x.shape, x.shape.length - 1);
  const flat = e.reshape(x, [before, x.shape.at(-1)!]);
  return e.layer('gather', [flat], { indices: [...indices] }, { shape: [before, indices.length] });
};

export const GATHERS: Handlers = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  Scatter: scatterElements,
  ScatterElements: scatterElements,
  ScatterND: scatterNd,
  OneHot: oneHot,
  TensorScatter: tensorScatter,
  'ai.onnx.ml.ArrayFeatureExtractor': arrayFeatures,
};
