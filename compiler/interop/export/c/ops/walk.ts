/** Nested loops over a tensor's elements and those that belong to them in others, with as few loops as the strides allow. */
import type { Shape } from '../../../../ir/types';
import { stridesOf } from '../../../../ops/families/shapes';
import { sum, type Code } from '../text';

export interface Walk {
  readonly extents: readonly number[];
  /** For each tensor, the elements between neighbours along each axis. */
  readonly strides: readonly (readonly number[])[];
}

/** Axes of extent 1 go, and axes that lie one behind the other in all tensors become one. */
export function walkOf(extents: readonly number[], strides: readonly (readonly number[])[]): Walk {
  const kept: { extent: number; strides: number[] }[] = [];
  extents.forEach((extent, axis) => {
    if (extent === 1) return;
    const own = strides.map((each) => each[axis] ?? 0);
    const before = kept.at(-1);
    if (before && before.strides.every((stride, i) => stride === own[i]! * extent)) {
      before.extent *= extent;
      before.strides = own;
    } else {
      kept.push({ extent, strides: own });
    }
  });
  return {
    extents: kept.map(({ extent }) => extent),
    strides: strides.map((_, i) => kept.map((axis) => axis.strides[i]!)),
  };
}

/** Inputs that broadcast to `shape`, and behind them the result of that shape. */
export function broadcastWalk(shape: Shape, inputs: readonly Shape[]): Walk {
  const strides = inputs.map((input) => {
    const own = stridesOf(input);
    const skip = shape.length - input.length;
    return shape.map((_, axis) => (axis < skip || input[axis - skip] === 1 ? 0 : own[axis - skip]!));
  });
  return walkOf(shape, [...strides, stridesOf(shape)]);
}

/** `body` is given the index into each tensor. */
export function eachElement(code: Code, { extents, strides }: Walk, body: (at: readonly string[]) => void): void {
  const names = extents.map((_, axis) => (axis === extents.length - 1 ? 'j' : `i${axis}`));
  const nest = (axis: number): void => {
    if (axis < extents.length) {
      code.loop(names[axis]!, extents[axis]!, () => nest(axis + 1));
    } else {
      body(strides.map((each) => sum(...each.map((stride, i) => [stride, names[i]!] as const))));
    }
  };
  if (extents.length > 0) nest(0);
  else code.block('', () => body(strides.map(() => '0')));
}
