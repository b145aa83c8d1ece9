/**
 * Inputs brought to mean 0 and variance 1, by statistics that are given or that training gathers from its data. They
 * are gathered exactly, batch after batch (Chan, Golub and LeVeque 1979), and no gradient passes through them.
 */
import type { FieldSchema } from '../../frontend/describe';
import type { Fields } from '../../frontend/spec';
import type { Value } from '../../ir/graph';
import { elementCount } from '../../ir/types';
import { Arithmetic } from '../../ops/families/arithmetic';
import { axisOf } from '../axis';
import type { LowerContext } from '../define';
import { defineLayer } from '../define';
import { axisField, flag, flagOf, isNumbers, numberOf } from '../fields';
import { requireNumbers } from '../merge/merge';

const numbers = (description: string, least: Fields = {}): FieldSchema => ({
  description: `${description} One number, or a list with one for each position on the axis.`,
  anyOf: [
    { type: 'number', ...least },
    { type: 'array', items: { type: 'number', ...least }, minItems: 1 },
  ],
});

export const standardize = defineLayer({
  type: 'standardize',
  summary: 'Subtracts a mean and divides by a standard deviation, given or gathered from the training data.',
  details: [
    "(x − mean) / max(√variance, epsilon), in float32; integers are converted first. Keras' Normalization. With `mean` and `variance` (or `std`) it is fixed: Caffe's mean_value, torchvision's Normalize.",
    'Without them training gathers both over everything it has seen, each batch once a time it is drawn, and uses them as they are after the batch; evaluation and prediction use what is stored. The first epoch still sees them change; With `adapt` they are those of the whole training data from the start, gathered in one pass before the first step, as Keras does, and stay; the layer then reads an input of the model. Before any training they are 0 and 1. With `frozen: true` they stay as they are.',
    'Weights: the buffers `mean` and `variance` [C] and `count` [1], where they are gathered. Another layer with `share` and `invert: true` takes a prediction back to the scale of the data.',
  ].join('\n\n'),
  example: '{name: normal, type: standardize, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}',
  fields: {
    axis: axisField('The axis whose positions have statistics of their own.', 1),
    mean: numbers('The mean.'),
    variance: numbers('The variance.', { minimum: 0 }),
    std: numbers('The standard deviation, in place of the variance.', { minimum: 0 }),
    epsilon: {
      description: 'The least standard deviation that is divided by.',
      type: 'number',
      exclusiveMinimum: 0,
      default: 1e-7,
    },
    adapt: flag(
      'Gather the statistics of the whole training data before the first step, and keep them. Weights that the training starts from count instead.',
      false,
    ),
    invert: flag('Multiplies by the standard deviation and adds the mean instead; gathers nothing.', false),
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 2, 5] }], fields: { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] } },
    { inputs: [{ shape: ['N', 5], dtype: 'uint8', range: [0, 255] }], fields: { mean: 128, variance: 4000, axis: -1 } },
    { inputs: [{ shape: ['N', 5] }], fields: { mean: 1, std: 3, invert: true } },
    { inputs: [{ shape: ['N', 5, 3] }], modes: ['predict'] },
    { name: 'gathering', inputs: [{ shape: ['N', 3, 5] }], modes: ['train'], wrt: [] },
    { inputs: [{ shape: ['N', 3, 5] }], fields: { frozen: true }, modes: ['train'] },
    { inputs: [{ shape: ['N', 3, 5] }], fields: { adapt: true }, modes: ['train'] },
  ],
  arity: [1, 1],
  buffers: ['mean', 'variance', 'count'],
  lower(context, inputs) {
    const { b, fields } = context;
    requireNumbers(context, inputs);
    const given = inputs[0]!;
    const x = given.type.dtype === 'f32' ? given : b.op('cast', [given], { dtype: 'f32' });
    const axis = axisOf(context, x, 1);
    const m = new Arithmetic(b, 'f32');
    const fixed = ['mean', 'variance', 'std'].find((name) => fields[name] !== undefined);
    if (fixed !== undefined && flagOf(fields, 'adapt'))
      context.fail(['adapt'], `there is nothing to gather: \`${fixed}\` is given`);
    const { mean, deviation } = fixed === undefined ? gathered(context, x, axis) : written(context, x, axis);
    const width = m.op('maximum', deviation, numberOf(fields, 'epsilon'));
    return flagOf(fields, 'invert') ? m.add(m.mul(x, width), mean) : m.div(m.sub(x, mean), width);
  },
});

/** Both in the shape in which they broadcast against the input. */
interface Statistics {
  readonly mean: Value;
  readonly deviation: Value;
}

function written(context: LowerContext, x: Value, axis: number): Statistics {
  const { fields } = context;
  if (fields['mean'] === undefined) context.fail([], 'it needs `mean` too', 'or leave all statistics out');
  if (fields['variance'] !== undefined && fields['std'] !== undefined) {
    context.fail(['std'], '`variance` and `std` say the same', 'leave one of the two out');
  }
  const spread = fields['std'] === undefined ? 'variance' : 'std';
  if (fields[spread] === undefined) context.fail([], 'it needs `variance` or `std` too', 'or leave all statistics out');
  const extent = x.type.shape[axis] ?? 1;
  const valuesOf = (field: string): readonly number[] => {
    const value = fields[field];
    if (typeof value === 'number') return [value];
    if (!isNumbers(value) || value.length !== extent) {
      const found = isNumbers(value) ? value.length : 0;
      return context.fail([field], `it lists ${found} numbers for the ${extent} positions on axis ${axis}`);
    }
    return value;
  };
  const along = (values: readonly number[]): Value =>
    values.length === 1 ? context.b.full(values[0] ?? 0) : context.b.constant(values, broadcastShape(x, axis));
  const deviations = valuesOf(spread).map((value) => (spread === 'std' ? value : Math.sqrt(value)));
  return { mean: along(valuesOf('mean')), deviation: along(deviations) };
}

function gathered(context: LowerContext, x: Value, axis: number): Statistics {
  const { b, fields, mode } = context;
  if (flagOf(fields, 'invert') && fields['share'] === undefined) {
    context.fail(['invert'], 'there are no statistics to go back by', 'give them, or `share` those of another layer');
  }
  const m = new Arithmetic(b, 'f32');
  const extent = x.type.shape[axis] ?? 1;
  const mean = context.buffer('mean', [extent], 'zeros');
  const variance = context.buffer('variance', [extent], 'ones');
  const count = context.buffer('count', [1], 'zeros');
  const adapts = flagOf(fields, 'adapt');
  if (adapts && flagOf(fields, 'invert')) context.fail(['adapt'], 'going back gathers nothing');
  const gathers = mode === 'train' && fields['frozen'] !== true && !flagOf(fields, 'invert') && !adapts;
  const now = gathers ? gather(context, x, axis, { mean, variance, count }) : { mean, variance };
  const shape = broadcastShape(x, axis);
  return {
    mean: b.op('reshape', [now.mean], { shape }),
    deviation: b.op('reshape', [m.op('sqrt', now.variance)], { shape }),
  };
}

/** The statistics of all that came before and this batch, written back. */
function gather(
  context: LowerContext,
  x: Value,
  axis: number,
  before: Readonly<Record<'mean' | 'variance' | 'count', Value>>,
): Readonly<Record<'mean' | 'variance', Value>> {
  const { b } = context;
  const m = new Arithmetic(b, 'f32');
  const { shape } = x.type;
  const axes = shape.flatMap((_, i) => (i === axis ? [] : [i]));
  const fresh = elementCount(axes.map((i) => shape[i] ?? 1));
  const seen = b.op('stop_gradient', [x]);
  const meanOf = (value: Value, keepdims: boolean): Value =>
    m.mul(b.op('reduce_sum', [value], { axes, keepdims }), 1 / fresh);
  const wide = meanOf(seen, true);
  const batchVariance = meanOf(m.square(m.sub(seen, wide)), false);
  const batchMean = b.op('reshape', [wide], { shape: [shape[axis] ?? 1] });
  const count = m.add(before.count, fresh);
  const share = m.div(fresh, count);
  const rest = m.sub(1, share);
  const step = m.sub(batchMean, before.mean);
  const mean = m.add(before.mean, m.mul(step, share));
  const within = m.add(m.mul(before.variance, rest), m.mul(batchVariance, share));
  const variance = m.add(within, m.mul(m.square(step), m.mul(share, rest)));
  context.updateBuffer(before.mean, mean);
  context.updateBuffer(before.variance, variance);
  context.updateBuffer(before.count, count);
  return { mean, variance };
}

function broadcastShape(x: Value, axis: number): readonly number[] {
  return x.type.shape.map((extent, i) => (i === axis ? extent : 1));
}
