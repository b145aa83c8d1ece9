/** Falls like an inverse power of the step: Caffe's `inv`, Keras's InverseTimeDecay, and the inverse root of Transformers. */
import { flag, flagOf, numberOf } from '../layers/fields';
import { defineSchedule } from './define';
import { INTERVAL, stepsOf } from './interval';

export const inverse = defineSchedule({
  type: 'inverse',
  summary: "Falls as (1 + gamma · step)^(−power): Caffe's inv policy.",
  example: '{type: inverse, gamma: 1.0e-4, power: 0.75}',
  fields: {
    gamma: { description: 'How fast the rate falls, per step.', type: 'number', minimum: 0, default: 1e-4 },
    power: { description: 'The exponent.', type: 'number', minimum: 0, default: 0.75 },
  },
  factor: ({ fields, step }) => (1 + numberOf(fields, 'gamma') * step) ** -numberOf(fields, 'power'),
});

export const inverseTime = defineSchedule({
  type: 'inverse_time',
  summary: "Falls as 1 / (1 + rate · step / every): Keras's InverseTimeDecay.",
  example: '{type: inverse_time, rate: 0.5, every: 1 epochs}',
  fields: {
    rate: {
      description: 'How fast it falls: 1 halves it over the first stretch.',
      type: 'number',
      exclusiveMinimum: 0,
    },
    every: { description: 'Length of a stretch: steps, or `"1 epochs"`.', ...INTERVAL, default: 1 },
    staircase: flag('Drops at the end of each stretch instead of falling all along.', false),
  },
  required: ['rate'],
  points: (fields) =>
    flagOf(fields, 'staircase') ? [{ path: ['every'], what: 'the first drop comes', at: [fields['every'] ?? 1] }] : [],
  factor: (context) => {
    const stretches = context.step / stepsOf(context.fields['every'], context);
    const passed = flagOf(context.fields, 'staircase') ? Math.floor(stretches) : stretches;
    return 1 / (1 + numberOf(context.fields, 'rate') * passed);
  },
});

export const inverseSqrt = defineSchedule({
  type: 'inverse_sqrt',
  summary: 'Falls as √(timescale / step), once `timescale` steps are over: the schedule of Transformers.',
  details:
    "Vaswani et al. 2017 (there called Noam): with `warmup: {steps: 4000}` the rate rises in a line to `lr` and falls as √(4000 / step), which is their d_model^−½ · min(step^−½, step · 4000^−³ᐟ²) for lr = (4000 · d_model)^−½. Steps count from 1 and from the start of training. Without a warm-up and with `timescale` it is T5's.",
  example: '{type: inverse_sqrt, warmup: {steps: 4000}}',
  fields: {
    timescale: {
      description: 'When the fall begins: steps, or `"1 epochs"`; by default the end of the warm-up.',
      ...INTERVAL,
    },
  },
  points: ({ timescale }) =>
    timescale === undefined
      ? []
      : [{ path: ['timescale'], what: 'the fall begins', at: [timescale], isFromStart: true }],
  factor: (context) => {
    const { fields, step, warmup } = context;
    const timescale = fields['timescale'] === undefined ? Math.max(1, warmup) : stepsOf(fields['timescale'], context);
    return Math.sqrt(timescale / Math.max(timescale, warmup + step + 1));
  },
});
