/** Drops at equal distances: γ^⌊step / step_size⌋. */
import { numberOf } from '../layers/fields';
import { defineSchedule } from './define';
import { INTERVAL, stepsOf } from './interval';

export const step = defineSchedule({
  type: 'step',
  summary: 'Multiplies the learning rate by `gamma` after every `step_size`.',
  details:
    'lr · gamma^⌊step / step_size⌋. A bare `step_size` counts steps, as in Caffe; write `"10 epochs"` for epochs, as in PyTorch.',
  example: '{type: step, step_size: 10 epochs, gamma: 0.5}',
  fields: {
    step_size: { description: 'Distance between drops: steps, or `"10 epochs"`.', ...INTERVAL },
    gamma: { description: 'The factor of each drop.', type: 'number', exclusiveMinimum: 0, default: 0.1 },
  },
  required: ['step_size'],
  points: ({ step_size: size = 1 }) => [{ path: ['step_size'], what: 'the first drop comes', at: [size] }],
  factor: (context) =>
    numberOf(context.fields, 'gamma') ** Math.floor(context.step / stepsOf(context.fields['step_size'], context)),
});
