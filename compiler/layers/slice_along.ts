/** A part of a tensor along one axis. */
import type { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';

/** Elements start, start + step, … before limit. */
export function sliceAlong(b: Builder, x: Value, axis: number, start: number, limit: number, step = 1): Value {
  const { shape } = x.type;
  return b.op('slice', [x], {
    starts: shape.map((_, i) => (i === axis ? start : 0)),
    limits: shape.map((extent, i) => (i === axis ? limit : extent)),
    strides: shape.map((_, i) => (i === axis ? step : 1)),
  });
}
