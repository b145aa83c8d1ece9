/** Merging element by element (add, mul, sub): one rule of broadcasting for all of them. */
import type { Value } from '../../ir/graph';
import { defineLayer } from '../define';
import type { LayerDef, LowerContext } from '../define';
import { requireFloat } from '../window';

const RULE =
  'All inputs have the same number of axes; where extents differ, one of them must be 1 and is stretched. Nothing else is: an input of [N, C] never meets one of [N, C, H, W] by accident. Reshape it to [N, C, 1, 1].';

function requireBroadcast(context: LowerContext, inputs: readonly Value[]): void {
  requireFloat(context, ...inputs);
  const shapes = inputs.map((input) => input.type.shape);
  const rank = shapes[0]?.length ?? 0;
  if (shapes.some((shape) => shape.length !== rank)) {
    context.mismatch(
      'shape',
      'the inputs have different numbers of axes',
      'bring them to the same number with a reshape layer',
    );
  }
  for (let axis = 0; axis < rank; axis++) {
    const extents = new Set(shapes.map((shape) => shape[axis]).filter((extent) => extent !== 1));
    if (extents.size > 1) {
      context.mismatch('shape', `the inputs differ on axis ${axis}, ${[...extents].join(' and ')}`);
    }
  }
}

/** A layer that applies the binary op of its own name to its inputs, from left to right. */
export function defineMerge(type: string, arity: LayerDef['arity'], summary: string, example: string): LayerDef {
  return defineLayer({
    type,
    summary,
    details: RULE,
    example,
    fields: {},
    arity,
    activates: true,
    lower(context, inputs) {
      requireBroadcast(context, inputs);
      return inputs.reduce((sofar, input) => context.b.op(type, [sofar, input]));
    },
  });
}
