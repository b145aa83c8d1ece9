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

/** `body` is given the index into each tensor; `letters` begin the names of the loops, and name the innermost. */
export function eachElement(
  code: Code,
  { extents, strides }: Walk,
  body: (at: readonly string[]) => void,
  [outer, innermost]: readonly [string, string] = ['i', 'j'],
): void {
  const names = extents.map((_, axis) => (axis === extents.length - 1 ? innermost : `${outer}${axis}`));
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

/** Copies elements of the first tensor of the walk to the second, in runs where both have neighbours. */
export function copyElements(code: Code, walk: Walk, from: string, to: string): void {
  const [own = [], other = []] = walk.strides;
  const run = own.at(-1) === 1 && other.at(-1) === 1 ? walk.extents.at(-1)! : 1;
  if (run === 1) {
    eachElement(code, walk, ([a = '', b = '']) => code.line(`${to}[${b}] = ${from}[${a}];`));
    return;
  }
  const outer = { extents: walk.extents.slice(0, -1), strides: walk.strides.map((each) => each.slice(0, -1)) };
  const copy = (a: string, b: string): void => {
    const [target, source] = [plus(to, b), plus(from, a)];
    code.line(`memcpy(${target}, ${source}, ${run} * sizeof(*${to}));`);
  };
  if (outer.extents.length === 0) copy('0', '0');
  else eachElement(code, outer, ([a = '', b = '']) => copy(a, b));
}

export const plus = (pointer: string, offset: string): string => (offset === '0' ? pointer : `${pointer} + ${offset}`);
