/** Turns a user's `axis`, which may count from the end, into an axis of the input. */
import type { Value } from '../ir/graph';
import type { LowerContext } from './define';
import { numberOf } from './fields';

export function axisOf(context: LowerContext, input: Value, least = 0): number {
  const axis = numberOf(context.fields, 'axis');
  const rank = input.type.shape.length;
  const resolved = axis < 0 ? axis + rank : axis;
  if (resolved < least || resolved >= rank) {
    const choices = rank > least ? `${least} to ${rank - 1}` : 'none';
    context.fail(
      ['axis'],
      `axis ${axis} is not among the axes ${choices} of the input [${input.type.shape.join(', ')}]`,
    );
  }
  return resolved;
}
