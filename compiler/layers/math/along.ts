/** A tensor laid along some neighbouring axes of another: what `scale` and `bias` multiply with and add. */
import type { FieldSchema } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import type { Shape } from '../../ir/types';
import { sameShape } from '../../ir/types';
import { reshapeTo } from '../../ops/families/arithmetic';
import { axisOf } from '../axis';
import type { LowerContext } from '../define';
import { axisField, numberOf } from '../fields';

export const ALONG_FIELDS = {
  axis: axisField('The first axis of the input along which it differs.', 1),
  num_axes: {
    description:
      'How many axes it differs along: 1 unless given, -1 for all from `axis` on, 0 for one number. Only with a single input.',
    type: 'integer',
    minimum: -1,
  },
} as const satisfies Readonly<Record<string, FieldSchema>>;

/** Of a learned tensor: its own shape. */
export function learnedShape(context: LowerContext, x: Value): Shape {
  const { shape } = x.type;
  const axis = axisOf(context, x, 1);
  const count = numberOf({ num_axes: 1, ...context.fields }, 'num_axes');
  if (count > shape.length - axis) {
    context.fail(['num_axes'], `the input has only ${shape.length - axis} axes from axis ${axis} on`);
  }
  if (count === 0) return [1];
  return shape.slice(axis, count < 0 ? undefined : axis + count);
}

/** Refuses a second input that does not fit the axes of the first from `axis` on. */
export function requireAlong(context: LowerContext, x: Value, other: Value): void {
  if (context.fields['num_axes'] !== undefined) {
    context.fail(['num_axes'], 'the second input says how many axes there are', 'leave `num_axes` out');
  }
  const axis = axisOf(context, x);
  const { shape } = other.type;
  if (!sameShape(x.type.shape.slice(axis, axis + shape.length), shape)) {
    context.mismatch('shape', `the second input does not have the extents of the first from axis ${axis} on`);
  }
}

/** Reshaped so that it broadcasts against x. */
export function along(context: LowerContext, x: Value, tensor: Value): Value {
  const axis = axisOf(context, x);
  const { shape } = tensor.type;
  const single = shape.length === 1 && shape[0] === 1;
  const wide = x.type.shape.map((_, i) => (single ? 1 : (shape[i - axis] ?? 1)));
  return reshapeTo(context.b, tensor, wide);
}
