/** Reductions over axes, and searches along one. */
import { ELEM, isFloatElem } from '../../../formats/onnx/types';
import type { Emitter } from '../emitter';
import { isSymbolic, type Value } from '../value';
import { refuse, type Handler, type Handlers, type Node } from '../node';

interface Reduction {
  readonly type: string;
  /** Takes whole numbers as they are. */
  readonly whole?: true;
  /** What each element becomes where there are no axes to reduce. */
  readonly alone?: (e: Emitter, x: Value) => Value;
  readonly behind?: string;
}

const abs = (e: Emitter, x: Value): Value => e.unary('abs', x);

const REDUCTIONS: Readonly<Record<string, Reduction>> = {
  ReduceSum: { type: 'reduce_sum', whole: true },
  ReduceMean: { type: 'reduce_mean' },
  ReduceMax: { type: 'reduce_max', whole: true },
  ReduceMin: { type: 'reduce_min', whole: true },
  ReduceProd: { type: 'reduce_prod', whole: true },
  ReduceL1: { type: 'reduce_l1_norm', alone: abs },
  ReduceL2: { type: 'reduce_l2_norm', alone: abs },
  ReduceLogSum: { type: 'reduce_sum', behind: 'log', alone: (e, x) => e.unary('log', x) },
  ReduceLogSumExp: { type: 'reduce_log_sum_exp' },
  ReduceSumSquare: { type: 'reduce_sum_squares', alone: (e, x) => e.unary('square', x) },
};

const reduction =
  ({ type, whole, alone, behind }: Reduction): Handler =>
  (node) => {
    const { e } = node;
    const x = node.in(0);
    const listed = node.listed('axes', 1);
    const none = listed === undefined || listed.length === 0;
    const given = whole && !isFloatElem(x.elem) ? e.number(x) : e.float(x);
    const typed = (value: Value): Value =>
      isFloatElem(x.elem) || value.dtype !== 'f32' ? { ...value, elem: x.elem } : e.cast(value, x.elem);
    if (none && node.flag('noop_with_empty_axes')) return typed(alone ? alone(e, given) : given);
    const axes = none ? x.shape.map((_, axis) => axis) : listed.map((axis) => node.axis(axis, x.shape.length));
    if (axes.length === 0) return typed(alone ? alone(e, given) : given);
    const made = e.reduce(type, given, axes, node.flag('keepdims', true));
    return typed(behind === undefined ? made : e.unary(behind, made));
  };

/** The place of the greatest or least element; the first of equals unless told. */
const search =
  (type: 'argmax' | 'argmin'): Handler =>
  (node) => {
    const { e } = node;
    const x = e.number(node.in(0));
    const axis = node.axisOf('axis', 0, x.shape.length);
    const keepdims = node.flag('keepdims', true);
    const extent = x.shape[axis]!;
    if (isSymbolic(extent)) refuse('searches the batch');
    const last = node.flag('select_last_index');
    const turned = last ? e.slice(x, axis, extent - 1, extent, -1) : x;
    const shape = x.shape.flatMap((size, i) => (i === axis ? (keepdims ? [1] : []) : [size]));
    const fields = { ...(axis === 1 ? {} : { axis }), ...(keepdims ? { keepdims } : {}) };
    const made = e.layer(type, [turned], fields, { shape, elem: ELEM.int64, dtype: 'i32' });
    return last ? { ...e.expr(`${extent - 1} - x`, [made], ELEM.int64), dtype: 'i32' } : made;
  };

const topK: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const k = node.has('k') ? node.int('k', 1) : (node.numbers(1, 'k')?.[0] ?? refuse('lacks its k'));
  const axis = node.axisOf('axis', -1, x.shape.length);
  const shape = x.shape.with(axis, k);
  const fields = {
    k,
    ...(axis === x.shape.length - 1 ? {} : { axis }),
    ...(node.flag('largest', true) ? {} : { largest: false }),
  };
  const values = e.layer('top_k', [e.number(x)], fields, { shape, elem: x.elem, dtype: e.number(x).dtype });
  return [values, e.further(values, 'indices', { shape, elem: ELEM.int64, dtype: 'i32' })];
};

const cumulative =
  (type: string): Handler =>
  (node: Node) => {
    const x = node.e.number(node.in(0));
    const axis = node.axis(node.numbers(1, 'axis')?.[0] ?? 0, x.shape.length);
    const fields = {
      ...(axis === 1 ? {} : { axis }),
      ...(node.flag('exclusive') ? { exclusive: true } : {}),
      ...(node.flag('reverse') ? { reverse: true } : {}),
    };
    return node.e.unary(type, x, fields);
  };

export const REDUCES: Handlers = {
  ...Object.fromEntries(Object.entries(REDUCTIONS).map(([op, what]) => [op, reduction(what)])),
  ArgMax: search('argmax'),
  ArgMin: search('argmin'),
  TopK: topK,
  CumSum: cumulative('cumsum'),
  CumProd: cumulative('cumprod'),
};
