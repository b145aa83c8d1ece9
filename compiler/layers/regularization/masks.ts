/** What the layers that drop or disturb elements at random share: their fields, and masks that serve whole axes. */
import type { FieldSchema } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import type { Shape } from '../../ir/types';
import { axesOf } from '../axis';
import type { LowerContext } from '../define';
import { axesField, flag, flagOf } from '../fields';

export const rateField = (description: string): FieldSchema => ({
  description,
  type: 'number',
  minimum: 0,
  exclusiveMaximum: 1,
  default: 0.5,
});

export const alwaysField = flag('Draws in evaluation and prediction too, as Monte Carlo dropout does.', false);

/** Whether the layer draws in this mode. */
export function draws(context: LowerContext): boolean {
  return context.mode === 'train' || flagOf(context.fields, 'always');
}

export const sharedAxesField = axesField('Axes along which all elements share one draw.', {
  anyOf: [{ type: 'integer' }, { type: 'array', items: { type: 'integer' } }],
  default: [],
});

/** The shape of a mask with one draw for all elements along the shared axes. */
export function maskShape(context: LowerContext, input: Value): Shape {
  const shared = axesOf(context, input, 'shared_axes');
  return input.type.shape.map((extent, axis) => (shared.includes(axis) ? 1 : extent));
}

/** 1 / (1 − rate) where an element is kept, 0 elsewhere. */
export function scaledMask(context: LowerContext, shape: Shape, rate: number): Value {
  const { b } = context;
  return b.op('dropout', [b.full(1, shape), context.rng()], { rate, stream: context.stream('dropout') });
}

/** True where an element is kept: where its uniform draw is at least `rate`, as in dropout. */
export function keptElements(context: LowerContext, shape: Shape, rate: number): Value {
  const { b } = context;
  const attrs = { shape, low: 0, high: 1, stream: context.stream('dropout') };
  // Rounded to float32, so that every arithmetic draws the line between the same two numbers.
  return b.op('greater_equal', [b.op('random_uniform', [context.rng()], attrs), b.full(Math.fround(rate))]);
}
