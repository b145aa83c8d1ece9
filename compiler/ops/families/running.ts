/**
 * Ops that run along an axis and carry something on: running sums and products, and linear recurrences. `reverse` runs
 * from the end; the gradient of each runs the other way.
 */
import type { Builder } from '../../ir/builder';
import type { Attrs, Value } from '../../ir/graph';
import { formatType, tensorType, type TensorType } from '../../ir/types';
import { axisAttr, booleanAttr, integerAttr } from '../attributes';
import { OpTypeError, type OpSample } from '../define';
import { forEachLine, viewAround } from './channels';

/** Calls `visit` with every element's position, line after line in running order; `first` starts a line. */
export function forEachRunning(type: TensorType, attrs: Attrs, visit: (at: number, first: boolean) => void): void {
  const view = viewAround(type.shape, integerAttr(attrs, 'axis'));
  const reverse = booleanAttr(attrs, 'reverse');
  forEachLine(view, (start, step) => {
    for (let k = 0; k < view.extent; k++) visit(start + (reverse ? view.extent - 1 - k : k) * step, k === 0);
  });
}

/** Running `combine` from `start`: with the element itself, or of what came before it alone (`exclusive`). */
export function running(
  x: { readonly type: TensorType; readonly data: Float64Array },
  attrs: Attrs,
  start: number,
  combine: (carried: number, x: number) => number,
): Float64Array {
  const exclusive = booleanAttr(attrs, 'exclusive');
  const y = new Float64Array(x.data.length);
  let carried = start;
  forEachRunning(x.type, attrs, (at, first) => {
    const before = first ? start : carried;
    carried = combine(before, x.data[at] as number);
    y[at] = exclusive ? before : carried;
  });
  return y;
}

export function checkRunning(x: TensorType, attrs: Attrs): void {
  if (x.dtype === 'bool') throw new OpTypeError(`takes numbers, found ${formatType(x)}: cast it first`);
  axisAttr(attrs, 'axis', x.shape.length);
  booleanAttr(attrs, 'reverse');
}

/** The element that comes `steps` later (−1: before) in running order; 0 where there is none. */
export function shifted(b: Builder, x: Value, attrs: Attrs, steps: 1 | -1): Value {
  const { shape } = x.type;
  const axis = integerAttr(attrs, 'axis');
  const extent = shape[axis] ?? 1;
  if (extent === 0) return x;
  const fromEnd = booleanAttr(attrs, 'reverse') === steps > 0;
  const along = (number: number): number[] => shape.map((_, i) => (i === axis ? number : 0));
  const kept = b.op('slice', [x], {
    starts: along(fromEnd ? 0 : 1),
    limits: shape.with(axis, fromEnd ? extent - 1 : extent),
    strides: shape.map(() => 1),
  });
  return b.op('pad', [kept], {
    low: along(fromEnd ? 1 : 0),
    high: along(fromEnd ? 0 : 1),
    interior: along(0),
    value: 0,
  });
}

/** The same attributes, running the other way. */
export function backwards(attrs: Attrs): Attrs {
  return { ...attrs, reverse: !booleanAttr(attrs, 'reverse') };
}

export const RUNNING_SAMPLES: readonly OpSample[] = [
  { name: 'rows', inputs: [tensorType('f32', [3, 7])], attrs: { axis: 1, exclusive: false, reverse: false } },
  { name: 'exclusive', inputs: [tensorType('f32', [3, 5])], attrs: { axis: 1, exclusive: true, reverse: false } },
  {
    name: 'an axis within, in reverse',
    inputs: [tensorType('f32', [2, 5, 3])],
    attrs: { axis: 1, exclusive: false, reverse: true },
  },
  {
    name: 'exclusive in reverse, many lines',
    inputs: [tensorType('f32', [3, 67])],
    attrs: { axis: 0, exclusive: true, reverse: true },
  },
  { name: 'one element', inputs: [tensorType('f32', [4, 1])], attrs: { axis: 1, exclusive: true, reverse: false } },
  {
    name: 'integers',
    inputs: [tensorType('i32', [2, 9])],
    attrs: { axis: 1, exclusive: false, reverse: false },
    range: [-4, 4],
  },
  {
    name: '64-bit integers',
    inputs: [tensorType('i64', [9, 2])],
    attrs: { axis: 0, exclusive: true, reverse: true },
    range: [-4, 4],
  },
  {
    name: 'nothing',
    inputs: [tensorType('f32', [0, 3])],
    attrs: { axis: 0, exclusive: false, reverse: false },
    wrt: [],
  },
];
