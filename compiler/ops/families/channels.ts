/** Walking one axis of a row-major tensor: what normalizations, softmaxes and class losses have in common. */
import type { Shape } from '../../ir/types';
import { elementCount } from '../../ir/types';

/** A tensor seen as [outer, extent, inner] around an axis. */
export interface AxisView {
  readonly outer: number;
  readonly extent: number;
  readonly inner: number;
}

export function viewAround(shape: Shape, axis: number): AxisView {
  return {
    outer: elementCount(shape.slice(0, axis)),
    extent: shape[axis] ?? 1,
    inner: elementCount(shape.slice(axis + 1)),
  };
}

/** Calls `visit` for each line along the axis: its first flat position, the step to the next, and its own number. */
export function forEachLine(
  { outer, extent, inner }: AxisView,
  visit: (start: number, step: number, line: number) => void,
): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) visit(o * extent * inner + i, inner, o * inner + i);
  }
}

/** The shape with an axis taken out. */
export function withoutAxis(shape: Shape, axis: number): Shape {
  return shape.filter((_, i) => i !== axis);
}
