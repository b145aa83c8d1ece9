/**
 * Operators that find things, as many as there are. Here a tensor has one size: the one that the model declares for what
 * was found, or else as many as there could be. Behind the last one found stands −1.
 */
import { ELEM } from '../../../formats/onnx/types';
import type { Emitter } from '../emitter';
import { refuse, type Handler, type Handlers, type Node } from '../node';
import { strides } from '../numbers';
import { count, isSymbolic, type Value } from '../value';

/** Candidates are counted in int32, and each has a row of its own. */
const MOST_CANDIDATES = 2 ** 22;

/** How many are kept: the declared extent of an output, or all. */
export function declaredRows(node: Node, axis: number, most: number): number {
  const declared = node.declared(0)?.[axis];
  const rows = typeof declared === 'number' && declared > 0 ? Math.min(declared, most) : most;
  node.around.note(
    rows < most
      ? `${rows} are kept, which the model declares; -1 where fewer are found`
      : `${rows} rows, as many as there can be; -1 behind the last one found`,
  );
  return rows;
}

/** The rows [M, W] where `isFound` [M] is, moved to the front; −1 behind them. */
function compacted(e: Emitter, rows: Value, isFound: Value, size: number): Value {
  const [all, width] = rows.shape as [number, number];
  // The first of those found has the greatest rank, and what is not found has none.
  const ranks = e.known(
    Array.from({ length: all }, (_, i) => all - i),
    [1, all],
    ELEM.int32,
  );
  const found = e.merge('mul', [e.reshape(e.cast(isFound, ELEM.int32), [1, all]), ranks]);
  const best = e.layer('top_k', [found], { k: size }, { shape: [1, size], elem: ELEM.int32 });
  const place = e.reshape(e.further(best, 'indices', { shape: [1, size], elem: ELEM.int32 }), [size]);
  const shape = [size, width];
  const made = { shape, elem: ELEM.int64, dtype: rows.dtype };
  const front = e.layer('gather', [rows, place], { axis: 0, batch_dims: 0 }, made);
  const isThere = e.layer('greater', [e.reshape(best, [size, 1])], { value: 0 }, { shape: [size, 1], elem: ELEM.bool });
  return e.layer('where', [isThere, front], { otherwise: -1 }, made);
}

function column(e: Emitter, values: readonly number[]): Value {
  return { ...e.known([...values], [values.length, 1], ELEM.int32) };
}

/** Corners in whatever order, or centres with sizes, as [x1, y1, x2, y2]. */
function cornersOf(e: Emitter, boxes: Value, centred: boolean): Value {
  const first = e.slice(boxes, 2, 0, 2);
  const second = e.slice(boxes, 2, 2, 2);
  const sides = centred
    ? [e.expr('a - b / 2', [first, second]), e.expr('a + b / 2', [first, second])]
    : [e.merge('minimum', [first, second]), e.merge('maximum', [first, second])];
  return e.concat(sides, 2);
}

/** Every class of every sample by itself, in rows of sample, class and box. */
const nonMaxSuppression: Handler = (node) => {
  const { e } = node;
  const [boxes, scores] = [e.float(node.in(0)), e.float(node.in(1))];
  if (boxes.shape.length !== 3 || scores.shape.length !== 3) refuse('has boxes or scores of other than 3 axes');
  const [samples, classes, number] = scores.shape as [number, number, number];
  if (isSymbolic(samples)) node.batched(1, 'finds things in a batch of any size');
  const most = node.numbers(2, 'max_output_boxes_per_class')?.[0] ?? 0;
  if (!(most >= 1)) refuse('keeps no boxes (`max_output_boxes_per_class`)');
  const keep = Math.min(most, number);
  const all = samples * classes * keep;
  if (all > MOST_CANDIDATES || samples * classes * number > MOST_CANDIDATES) refuse('has too many candidates');
  const threshold = node.numbers(3, 'iou_threshold')?.[0] ?? 0;
  const least = node.numbers(4, 'score_threshold')?.[0];
  const corners = cornersOf(e, boxes, node.flag('center_point_box'));
  const lanes = samples * classes;
  const wide = e.broadcastTo(e.reshape(corners, [samples, 1, number, 4]), [samples, classes, number, 4]);
  const fields = {
    iou_threshold: Math.min(1, Math.max(0, threshold)),
    // There may be no threshold, and scores may be logits.
    score_threshold: least ?? -3.4e38,
    top_k: number,
    keep,
  };
  const first = e.layer(
    'non_max_suppression',
    [e.reshape(wide, [lanes, number, 4]), e.reshape(scores, [lanes, number, 1])],
    fields,
    { shape: [lanes, keep, 4], elem: ELEM.float },
  );
  const index = e.further(first, 'index', { shape: [lanes, keep], elem: ELEM.int32 });
  const box = e.reshape(index, [all, 1]);
  const sample = column(
    e,
    Array.from({ length: all }, (_, i) => Math.floor(i / (classes * keep))),
  );
  const owner = column(
    e,
    Array.from({ length: all }, (_, i) => Math.floor(i / keep) % classes),
  );
  const rows = e.concat([sample, owner, box], 1);
  const isFound = e.layer('greater_equal', [e.reshape(box, [all])], { value: 0 }, { shape: [all], elem: ELEM.bool });
  return compacted(e, rows, isFound, declaredRows(node, 0, all));
};

const nonZero: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const rank = x.shape.length;
  const all = count(x.shape);
  if (x.shape.some(isSymbolic)) node.batched(0, 'finds things in a batch of any size');
  if (all > MOST_CANDIDATES || rank === 0) refuse('has too many candidates, or none');
  const own = strides(x.shape);
  const places = Array.from({ length: all }, (_, i) =>
    x.shape.map((extent, axis) => Math.floor(i / own[axis]!) % extent),
  );
  const flat = e.reshape(x, [all]);
  const isFound =
    x.dtype === 'bool' ? flat : e.layer('not_equal', [e.number(flat)], { value: 0 }, { shape: [all], elem: ELEM.bool });
  const rows = e.known(places.flat(), [all, rank], ELEM.int32);
  return e.permute(compacted(e, rows, isFound, declaredRows(node, 1, all)), [1, 0]);
};

export const FOUND: Handlers = { NonMaxSuppression: nonMaxSuppression, NonZero: nonZero };
