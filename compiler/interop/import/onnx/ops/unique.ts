/** What differs in a tensor, each once: every element, or every slice of an axis, is compared with every other one. */
import { ELEM, type Elem } from '../../../formats/onnx/types';
import type { Emitter } from '../emitter';
import { refuse, type Handler, type Handlers } from '../node';
import { count, isSymbolic, type Value } from '../value';
import { declaredRows } from './found';

/** Elements of the table of comparisons. */
const MOST_PAIRS = 2 ** 22;

function bool(e: Emitter, type: string, values: readonly Value[]): Value {
  return e.merge(type, values, { elem: ELEM.bool });
}

function whole(e: Emitter, test: Value): Value {
  return e.cast(test, ELEM.int32);
}

/** [n, n], true where the row of the second axis comes before the one of the first. */
function before(e: Emitter, rows: Value, other: Value, differs: Value): Value {
  const [n, , width] = differs.shape as [number, number, number];
  const less = bool(e, 'less', [other, rows]);
  if (width === 1) return e.reshape(less, [n, n]);
  // Rows are in the order of the first elements that differ.
  const place = e.layer(
    'argmax',
    [whole(e, differs)],
    { axis: 2, keepdims: true },
    { shape: [n, n, 1], elem: ELEM.int32 },
  );
  const chosen = e.layer(
    'gather_elements',
    [whole(e, less), place],
    { axis: 2 },
    { shape: [n, n, 1], elem: ELEM.int32 },
  );
  return e.reshape(e.layer('greater', [chosen], { value: 0 }, { shape: chosen.shape, elem: ELEM.bool }), [n, n]);
}

const unique: Handler = (node) => {
  const { e } = node;
  const x = e.number(node.in(0));
  if (x.shape.some(isSymbolic)) node.batched(0, 'finds things in a batch of any size');
  const axis = node.has('axis') ? node.axisOf('axis', 0, x.shape.length) : undefined;
  const order = axis === undefined ? [] : [axis, ...x.shape.map((_, i) => i).filter((i) => i !== axis)];
  const turned = axis === undefined ? x : e.permute(x, order);
  const n = axis === undefined ? count(x.shape) : x.shape[axis]!;
  const width = count(x.shape) / n;
  if (n * n * width > MOST_PAIRS) refuse(`compares ${n} things with each other`);
  const flat = e.reshape(turned, [n, width]);
  const [rows, other] = [e.reshape(flat, [n, 1, width]), e.reshape(flat, [1, n, width])];
  const differs = bool(e, 'not_equal', [rows, other]);
  const same = e.reduce('reduce_min', whole(e, e.unary('logical_not', differs)), [2], false);
  const first = e.layer('argmax', [same], {}, { shape: [n], elem: ELEM.int32 });
  const places = e.known(
    Array.from({ length: n }, (_, i) => i),
    [n],
    ELEM.int32,
  );
  const isFirst = bool(e, 'equal', [first, places]);
  const lower = node.flag('sorted', true)
    ? before(e, rows, other, differs)
    : bool(e, 'less', [e.reshape(first, [1, n]), e.reshape(first, [n, 1])]);
  const isCounted = bool(e, 'logical_and', [lower, e.reshape(isFirst, [1, n])]);
  const rank = e.reduce('reduce_sum', whole(e, isCounted), [1], false);
  const key = e.layer('where', [isFirst, rank], { otherwise: n }, { shape: [n], elem: ELEM.int32 });
  const sorted = e.layer('argsort', [key], {}, { shape: [n], elem: ELEM.int32 });
  const size = declaredRows(node, axis ?? 0, n);
  const best = e.slice(sorted, 0, 0, size);
  const take = (value: Value): Value =>
    e.layer(
      'gather',
      [value, best],
      { axis: 0, batch_dims: 0 },
      { shape: [size, ...value.shape.slice(1)], elem: value.elem, dtype: value.dtype },
    );
  const isThere = take(isFirst);
  const held = (value: Value, elem: Elem = ELEM.int64): Value => {
    const mask = e.reshape(isThere, [size, ...value.shape.slice(1).map(() => 1)]);
    const made = { shape: value.shape, elem, dtype: value.dtype };
    return e.layer('where', [mask, value], { otherwise: -1 }, made);
  };
  const values = e.reshape(held(take(flat), x.elem), axis === undefined ? [size] : [size, ...turned.shape.slice(1)]);
  const y =
    axis === undefined
      ? values
      : e.permute(
          values,
          order.map((_, i) => order.indexOf(i)),
        );
  const counts = take(e.reduce('reduce_sum', same, [1], false));
  const inverse = { ...rank, elem: ELEM.int64 };
  return [{ ...y, elem: x.elem }, held(best), inverse, held(counts)];
};

export const UNIQUE: Handlers = { Unique: unique };
