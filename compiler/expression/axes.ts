/**
 * Tensors with named axes, and how two of them meet: axes of one name are one axis, wherever they stand, so that
 * `x - mean(x, C)` needs no reshaping. Axes without a name follow NumPy's rule, counted from the right.
 */
import type { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';
import { ExpressionError, type Part } from './syntax';

export interface Tensor {
  readonly value: Value;
  /** A name for each axis; undefined for one that has none. */
  readonly axes: readonly (string | undefined)[];
}

/** What the axes of an input are called unless the user says otherwise, by the number of axes. */
const USUAL: readonly (readonly string[])[] = [
  [],
  ['N'],
  ['N', 'C'],
  ['N', 'T', 'C'],
  ['N', 'C', 'H', 'W'],
  ['N', 'C', 'D', 'H', 'W'],
];

export function usualAxes(rank: number): readonly (string | undefined)[] {
  return USUAL[rank] ?? Array.from({ length: rank }, (_, i) => (i === 0 ? 'N' : undefined));
}

export function describeAxes({ value, axes }: Tensor): string {
  const named = axes.map((name, i) => (name === undefined ? `${i}` : name));
  return named.length === 0 ? 'no axes' : `the axes ${named.join(', ')} of [${value.type.shape.join(', ')}]`;
}

/** The tensors with the same axes in the same order, extents of 1 where one of them lacks an axis. */
export function align(
  b: Builder,
  tensors: readonly Tensor[],
  at: Part,
): { readonly values: readonly Value[]; readonly axes: Tensor['axes'] } {
  const [first, ...rest] = [...tensors].sort((a, c) => c.axes.length - a.axes.length);
  if (!first) return { values: [], axes: [] };
  const nameless = tensors.some(({ axes }) => axes.includes(undefined));
  if (nameless) return alignFromTheRight(b, tensors, first, at);
  const axes = [...first.axes];
  for (const tensor of rest) for (const axis of tensor.axes) if (!axes.includes(axis)) axes.push(axis);
  checkExtents(tensors, at);
  return { values: tensors.map((tensor) => spread(b, tensor, axes)), axes };
}

/** One name, one extent; 1 is stretched. */
function checkExtents(tensors: readonly Tensor[], at: Part): void {
  const extents = new Map<string, number>();
  for (const { value, axes } of tensors) {
    axes.forEach((name, i) => {
      const extent = value.type.shape[i] ?? 1;
      if (name === undefined || extent === 1) return;
      const other = extents.get(name);
      if (other !== undefined && other !== extent) {
        throw new ExpressionError(
          `axis ${name} is ${other} on one side and ${extent} on the other; \`axes:\` gives the inputs' axes other names`,
          at,
        );
      }
      extents.set(name, extent);
    });
  }
}

/** Puts a tensor's axes into the order of `axes`, with new ones of extent 1. */
function spread(b: Builder, tensor: Tensor, axes: Tensor['axes']): Value {
  const order = axes.flatMap((name) => (tensor.axes.includes(name) ? [tensor.axes.indexOf(name)] : []));
  const sorted = order.every((axis, i) => axis === i);
  const value = sorted ? tensor.value : b.op('transpose', [tensor.value], { perm: order });
  if (axes.length === tensor.axes.length) return value;
  const shape = axes.map((name) => tensor.value.type.shape[tensor.axes.indexOf(name)] ?? 1);
  return b.op('reshape', [value], { shape });
}

function alignFromTheRight(
  b: Builder,
  tensors: readonly Tensor[],
  longest: Tensor,
  at: Part,
): ReturnType<typeof align> {
  const rank = longest.axes.length;
  const axes: (string | undefined)[] = Array.from({ length: rank }, () => undefined);
  const extents = Array.from({ length: rank }, () => 1);
  const values = tensors.map((tensor) => {
    const { shape } = tensor.value.type;
    const missing = rank - shape.length;
    shape.forEach((extent, i) => {
      const k = i + missing;
      axes[k] ??= tensor.axes[i];
      if (extent !== 1 && extents[k] !== 1 && extents[k] !== extent) {
        const shapes = tensors.map(({ value }) => `[${value.type.shape.join(', ')}]`).join(' and ');
        throw new ExpressionError(`${shapes} do not fit together, counted from the last axis`, at);
      }
      if (extent !== 1) extents[k] = extent;
    });
    if (missing === 0) return tensor.value;
    return b.op('reshape', [tensor.value], { shape: [...Array.from({ length: missing }, () => 1), ...shape] });
  });
  return { values, axes };
}
