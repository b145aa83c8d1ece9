/** Caffe's fillers under Caffe's names. (Its constant, uniform and gaussian are `constant`, `uniform` and `normal`.) */
import { numberOf, wordOf } from '../layers/fields';
import { defineInitializer } from './define';
import { fanOf, MODE, normal, normalScaled, uniform, uniformScaled } from './random';

/** The smallest normal float32. */
const LEAST = 2 ** -126;

export const xavier = defineInitializer({
  type: 'xavier',
  summary: "Caffe's xavier filler: uniform ±√(3 / fan).",
  details: 'Scaled by fan_in alone unless `mode` says otherwise; `mode: fan_avg` is `glorot_uniform`.',
  example: '{type: xavier}',
  fields: { mode: MODE },
  lower: (context) => uniformScaled(context, 1, fanOf(context, wordOf(context.fields, 'mode'))),
});

export const msra = defineInitializer({
  type: 'msra',
  summary: "Caffe's msra filler: normal with standard deviation √(2 / fan).",
  details: 'The same as `he_normal`.',
  example: '{type: msra}',
  fields: { mode: MODE },
  lower: (context) => normalScaled(context, 2, fanOf(context, wordOf(context.fields, 'mode')), false),
});

export const positiveUnitball = defineInitializer({
  type: 'positive_unitball',
  summary: "Positive weights that add up to 1 for each unit: Caffe's positive_unitball filler.",
  details: 'Uniform in [0, 1), divided by the sum over everything but axis 0.',
  example: '{type: positive_unitball}',
  fields: {},
  lower(context) {
    const { b, shape, fail } = context;
    if (shape.length < 2) return fail(`is for tensors of rank 2 and more; this one is [${shape.join(', ')}]`);
    const drawn = uniform(context, 0, 1);
    const axes = shape.slice(1).map((_, axis) => axis + 1);
    const sums = b.op('reduce_sum', [drawn], { axes, keepdims: true });
    // A unit with a single input may have drawn 0.
    return b.op('div', [drawn, b.op('maximum', [sums, b.full(LEAST)])]);
  },
});

export const sparse = defineInitializer({
  type: 'sparse',
  summary: "Normal numbers, most of them replaced by 0: Caffe's gaussian filler with `sparse`.",
  details:
    "Each weight is kept with probability nonzero / (number of units, axis 0), so that an input goes to `nonzero` units on average (Martens 2010). PyTorch's `sparse_` sets an exact share of each column to 0.",
  example: '{type: sparse, nonzero: 15, std: 1}',
  fields: {
    nonzero: { description: 'Units that an input goes to, on average.', type: 'integer', minimum: 1 },
    mean: { description: 'Mean of what is kept.', type: 'number', default: 0 },
    std: { description: 'Standard deviation of what is kept.', type: 'number', minimum: 0, default: 1 },
  },
  required: ['nonzero'],
  lower(context) {
    const { b, fields, rng, shape, further, fail } = context;
    const [units = 1] = shape;
    const kept = numberOf(fields, 'nonzero');
    if (kept > units) return fail(`keeps ${kept} of ${units} units`);
    const drawn = normal(context, numberOf(fields, 'mean'), numberOf(fields, 'std'));
    const lots = b.op('random_uniform', [rng], { shape, low: 0, high: 1, stream: further('kept') });
    const chosen = b.op('less', [lots, b.full(kept / units)]);
    return b.op('where', [chosen, drawn, b.full(0)]);
  },
});
