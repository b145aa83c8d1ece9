/**
 * Constraints on norms: one norm for each unit of a weight. They multiply by a factor, so that directions stay; a unit
 * that is all zeros stays zero.
 */
import type { FieldSchema } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import type { Value } from '../ir/graph';
import { isNumbers, numberOf } from '../layers/fields';
import { defineConstraint, type ConstraintContext } from './define';

const axis: FieldSchema = {
  description:
    'Axes that a norm is taken over; by default all but the first, which holds the units or filters: the norm of what one unit weighs its inputs with. (Keras stores a dense kernel the other way round: its axis 0 is 1 here.) Of a vector it is the whole.',
  anyOf: [{ type: 'integer' }, { type: 'array', items: { type: 'integer' }, minItems: 1 }],
};

const problem = ({ axis: given }: Fields, rank: number): { field: string; why: string } | undefined => {
  const outside = listOf(given).find((one) => one < -rank || one >= rank);
  return outside === undefined ? undefined : { field: 'axis', why: `there is no axis ${outside} of ${rank}` };
};

const listOf = (axis: Fields[string] | undefined): readonly number[] =>
  typeof axis === 'number' ? [axis] : isNumbers(axis) ? axis : [];

/** Below this a norm counts as 0. */
const TINY = 1e-30;

/** The norm along the axes, kept as extents of 1. Scaled by the largest magnitude, so that squares do not overflow. */
function normOf({ m, fields }: ConstraintContext, parameter: Value): { readonly norm: Value; readonly safe: Value } {
  const { b } = m;
  const rank = parameter.type.shape.length;
  const given = [...new Set(listOf(fields['axis']).map((one) => (one < 0 ? one + rank : one)))].sort((x, y) => x - y);
  const all = parameter.type.shape.map((_, i) => i);
  const axes = given.length > 0 ? given : rank > 1 ? all.slice(1) : all;
  const largest = b.op('reduce_max', [b.op('abs', [parameter])], { axes, keepdims: true });
  const scale = b.op('maximum', [largest, m.value(TINY)]);
  const squares = b.op('square', [m.div(parameter, scale)]);
  const norm = m.mul(scale, b.op('sqrt', [b.op('reduce_sum', [squares], { axes, keepdims: true })]));
  return { norm, safe: b.op('maximum', [norm, m.value(TINY)]) };
}

const limit = (description: string, byDefault: number): FieldSchema => ({
  description,
  type: 'number',
  minimum: 0,
  default: byDefault,
});

export const maxNorm = defineConstraint({
  type: 'max_norm',
  summary: 'Scales units whose norm is greater than `value` back to it.',
  details:
    'w ← w · min(1, value / ‖w‖), as in Srivastava et al. 2014 beside dropout. Keras adds 1e-7 to the norm in the division, PyTorch has it as `renorm`.',
  example: '{type: max_norm, value: 3}',
  fields: { value: limit('Greatest norm.', 2), axis },
  problem,
  lower(context, w) {
    const { m, fields } = context;
    const { safe } = normOf(context, w);
    return m.mul(w, m.b.op('minimum', [m.div(numberOf(fields, 'value'), safe), m.value(1)]));
  },
});

export const minMaxNorm = defineConstraint({
  type: 'min_max_norm',
  summary: 'Keeps the norm of units between `low` and `high`.',
  details:
    'w ← w · (rate · clip(‖w‖, low, high) + (1 − rate) · ‖w‖) / ‖w‖: with `rate` below 1 a step goes only part of the way (Keras: MinMaxNorm).',
  example: '{type: min_max_norm, low: 0.5, high: 2}',
  fields: {
    low: limit('Least norm.', 0),
    high: limit('Greatest norm.', 1),
    rate: {
      description: 'Share of the way that one step goes.',
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 1,
      default: 1,
    },
    axis,
  },
  problem: (fields, rank) =>
    numberOf(fields, 'low') > numberOf(fields, 'high')
      ? { field: 'low', why: 'it is greater than `high`' }
      : problem(fields, rank),
  lower(context, w) {
    const { m, fields } = context;
    const { norm, safe } = normOf(context, w);
    const [low, high, rate] = ['low', 'high', 'rate'].map((name) => numberOf(fields, name)) as [number, number, number];
    const held = m.b.op('minimum', [m.b.op('maximum', [norm, m.value(low)]), m.value(high)]);
    const wanted = rate === 1 ? held : m.add(m.mul(held, rate), m.mul(norm, 1 - rate));
    return m.mul(w, m.div(wanted, safe));
  },
});

export const unitNorm = defineConstraint({
  type: 'unit_norm',
  summary: 'Scales every unit to norm 1.',
  details: 'w ← w / ‖w‖.',
  example: '{type: unit_norm}',
  fields: { axis },
  problem,
  lower: (context, w) => context.m.div(w, normOf(context, w).safe),
});
