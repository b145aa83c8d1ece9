/** Falls by the same factor over every stretch: γ^(step / every). */
import { flag, flagOf, numberOf } from '../layers/fields';
import { defineSchedule } from './define';
import { INTERVAL, stepsOf } from './interval';

export const exponential = defineSchedule({
  type: 'exponential',
  summary: 'Falls smoothly by the factor `gamma` over every `every`.',
  details:
    "gamma^(step / every). With the default of one step it is Caffe's exp policy and PyTorch's ExponentialLR; Keras's ExponentialDecay calls `every` decay_steps.",
  example: '{type: exponential, gamma: 0.97, every: 1 epochs}',
  fields: {
    gamma: { description: 'The factor over one stretch.', type: 'number', exclusiveMinimum: 0, maximum: 1 },
    every: { description: 'Length of a stretch: steps, or `"1 epochs"`.', ...INTERVAL, default: 1 },
    staircase: flag('Drops at the end of each stretch instead of falling all along.', false),
  },
  required: ['gamma'],
  points: (fields) =>
    flagOf(fields, 'staircase') ? [{ path: ['every'], what: 'the first drop comes', at: [fields['every'] ?? 1] }] : [],
  factor: (context) => {
    const stretches = context.step / stepsOf(context.fields['every'], context);
    return (
      numberOf(context.fields, 'gamma') ** (flagOf(context.fields, 'staircase') ? Math.floor(stretches) : stretches)
    );
  },
});
