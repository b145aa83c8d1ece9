/** Parts of a tensor along one axis: what layers that cut, mirror and stack are made of. */
import type { Builder } from '../../ir/builder';
import type { Value } from '../../ir/graph';
import type { Shape } from '../../ir/types';
import { tableOf } from '../table';

/** Elements start, start + stride, … below limit of one axis. */
export function sliceAlong(b: Builder, x: Value, axis: number, start: number, limit: number, stride = 1): Value {
  const { shape } = x.type;
  if (start === 0 && limit === shape[axis] && stride === 1) return x;
  return b.op('slice', [x], {
    starts: shape.map((_, i) => (i === axis ? start : 0)),
    limits: shape.map((extent, i) => (i === axis ? limit : extent)),
    strides: shape.map((_, i) => (i === axis ? stride : 1)),
  });
}

/** Consecutive parts of the given sizes. */
export function splitAlong(b: Builder, x: Value, axis: number, sizes: readonly number[]): readonly Value[] {
  let start = 0;
  return sizes.map((size) => {
    const piece = sliceAlong(b, x, axis, start, start + size);
    start += size;
    return piece;
  });
}

/** The elements of one axis in the order of `positions`, which may repeat and leave out. */
export function takeAlong(b: Builder, x: Value, axis: number, positions: readonly number[]): Value {
  return b.op('gather', [x, b.constant(positions, [positions.length], 'i32')], { axis, batch_dims: 0 });
}

/** Mirrored along one axis. */
export function reverseAlong(b: Builder, x: Value, axis: number): Value {
  const extent = x.type.shape[axis] ?? 1;
  if (extent === 1) return x;
  const indices = tableOf(extent, (i) => extent - 1 - i);
  if (x.type.dtype !== 'f32') return takeAlong(b, x, axis, indices);
  // The gradient is as fast as the layer itself, where that of looking up adds one by one.
  return b.op('resample', [x], { axis, size: extent, taps: 1, indices, weights: indices.map(() => 1) });
}

export function reshapeTo(b: Builder, x: Value, shape: Shape): Value {
  const same = shape.length === x.type.shape.length && shape.every((extent, i) => extent === x.type.shape[i]);
  return same ? x : b.op('reshape', [x], { shape });
}

/** With a new axis of extent 1 before `axis`. */
export function expandAt(b: Builder, x: Value, axis: number): Value {
  const { shape } = x.type;
  return b.op('reshape', [x], { shape: [...shape.slice(0, axis), 1, ...shape.slice(axis)] });
}

/** Without an axis, whose extent is 1. */
export function dropAxis(b: Builder, x: Value, axis: number): Value {
  return b.op('reshape', [x], { shape: x.type.shape.filter((_, i) => i !== axis) });
}

export function transposeTo(b: Builder, x: Value, perm: readonly number[]): Value {
  return perm.every((from, to) => from === to) ? x : b.op('transpose', [x], { perm });
}

export function broadcastTo(b: Builder, x: Value, shape: Shape): Value {
  const same = shape.length === x.type.shape.length && shape.every((extent, i) => extent === x.type.shape[i]);
  return same ? x : b.op('broadcast_to', [x], { shape });
}

/** Repeats blocks of axis `axis`: `times` whole copies one after the other, or each element `times` times. */
export function repeatAlong(b: Builder, x: Value, axis: number, times: number, each: boolean): Value {
  if (times === 1) return x;
  const { shape } = x.type;
  const at = each ? axis + 1 : axis;
  const wide = expandAt(b, x, at);
  const copies = b.op('broadcast_to', [wide], { shape: wide.type.shape.with(at, times) });
  return b.op('reshape', [copies], { shape: shape.with(axis, (shape[axis] ?? 1) * times) });
}
