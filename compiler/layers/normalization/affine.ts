/** What normalizations share: epsilon, the learned scale and shift after them, and the normalization of rows. */
import type { FieldSchema } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import type { Shape } from '../../ir/types';
import type { LowerContext } from '../define';
import { flag, flagOf, numberOf } from '../fields';

export const scaleField = flag('Multiplies by a learned `gamma`.', true);
export const centerField = flag('Adds a learned `beta`.', true);

export const epsilonField = (byDefault: number, description = 'Added to the variance.'): FieldSchema => ({
  description,
  type: 'number',
  exclusiveMinimum: 0,
  default: byDefault,
});

export interface Affine {
  readonly gamma?: Value;
  readonly beta?: Value;
}

/** The learned scale and shift that the fields ask for, of one shape. */
export function affineOf(context: LowerContext, shape: Shape): Affine {
  const asked = (field: string): boolean => context.fields[field] !== undefined && flagOf(context.fields, field);
  return {
    ...(asked('scale') ? { gamma: context.parameter('gamma', shape, { init: 'ones' }) } : {}),
    ...(asked('center') ? { beta: context.parameter('beta', shape, { init: 'zeros' }) } : {}),
  };
}

/** Scales and shifts along axis 1, one number for each channel. */
export function scaleChannels({ b }: LowerContext, x: Value, { gamma, beta }: Affine): Value {
  const shape = x.type.shape.map((extent, axis) => (axis === 1 ? extent : 1));
  const along = (perChannel: Value): Value => b.op('reshape', [perChannel], { shape });
  const scaled = gamma ? b.op('mul', [x, along(gamma)]) : x;
  return beta ? b.op('add', [scaled, along(beta)]) : scaled;
}

/** The `layer_norm` op on rows that begin at `axis`: y, and the mean and 1/√(variance + epsilon) of each row. */
export function normalizeRows(
  { b, fields }: LowerContext,
  x: Value,
  axis: number,
  { gamma, beta }: Affine = {},
  center = true,
): readonly [y: Value, mean: Value, rstd: Value] {
  const ones = beta && !gamma ? b.full(1, beta.type.shape) : gamma;
  const inputs = [x, ones, beta].filter((value) => value !== undefined);
  const attrs = { axis, epsilon: numberOf(fields, 'epsilon'), center };
  return b.ops('layer_norm', inputs, attrs) as readonly [Value, Value, Value];
}

/** Calls `normalize` on x with `axes` as its last ones, where they have to be moved there and back. */
export function withAxesLast(
  { b }: LowerContext,
  x: Value,
  axes: readonly number[],
  normalize: (x: Value, first: number, row: Shape) => Value,
): Value {
  const inner = [...axes].sort((one, other) => one - other);
  const outer = x.type.shape.map((_, axis) => axis).filter((axis) => !inner.includes(axis));
  const perm = [...outer, ...inner];
  const row = inner.map((axis) => x.type.shape[axis] ?? 1);
  if (perm.every((axis, i) => axis === i)) return normalize(x, outer.length, row);
  const back = perm.map((_, axis) => perm.indexOf(axis));
  const moved = normalize(b.op('transpose', [x], { perm }), outer.length, row);
  return b.op('transpose', [moved], { perm: back });
}
