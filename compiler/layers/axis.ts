/** Turns axes as a user writes them, which may count from the end, into axes of the input. */
import { InternalError } from '../diagnostics/errors';
import type { Value } from '../ir/graph';
import type { Shape } from '../ir/types';
import type { LowerContext } from './define';
import { isNumbers, numberOf } from './fields';

export function axisOf(context: LowerContext, input: Value, least = 0): number {
  return resolveAxis(context, numberOf(context.fields, 'axis'), input.type.shape, ['axis'], least);
}

/** The axis written at `path`, as one of `shape`. */
export function resolveAxis(
  context: LowerContext,
  axis: number,
  shape: Shape,
  path: readonly (string | number)[],
  least = 0,
  of = `input [${shape.join(', ')}]`,
): number {
  const rank = shape.length;
  const resolved = axis < 0 ? axis + rank : axis;
  if (resolved < least || resolved >= rank) {
    const choices = rank > least ? `${least} to ${rank - 1}` : 'none';
    context.fail(path, `axis ${axis} is not among the axes ${choices} of the ${of}`);
  }
  return resolved;
}

/** The axes that a field names, one or a list, in its order and each once. */
export function axesOf(context: LowerContext, input: Value, field = 'axes', least = 0): readonly number[] {
  const value = context.fields[field];
  if (typeof value === 'number') return [resolveAxis(context, value, input.type.shape, [field], least)];
  if (!isNumbers(value)) throw new InternalError(`field '${field}' should hold axes, but is ${JSON.stringify(value)}`);
  const axes = value.map((axis, i) => resolveAxis(context, axis, input.type.shape, [field, i], least));
  const twice = axes.findIndex((axis, i) => axes.indexOf(axis) !== i);
  if (twice >= 0) context.fail([field, twice], `axis ${value[twice]} is named twice`);
  return axes;
}
