/** State that the user sees: kept from step to step, saved with the weights, changed by what the model computes. */
import { typed } from '../../frontend/shapes';
import { INITIALIZERS } from '../../initializers/index';
import { defineLayer } from '../define';

export const buffer = defineLayer({
  type: 'buffer',
  summary: 'A tensor that the model keeps from step to step; `next` names the layer whose value it takes on.',
  details: [
    'Gives what it holds. After a training step it holds the value that `next` had in that step; evaluation and prediction leave it as it is. Its shape cannot depend on the batch. No gradient flows from one step to the next.',
    '`{name: seen, type: buffer, shape: [1], next: more}` and `{name: more, type: expression, inputs: seen, expr: "seen + 1"}` count steps.',
    'Weights: `value`, which is no parameter but saved with them. For running statistics, the chains of persistent contrastive divergence (Tieleman 2008), memories and counters.',
  ].join('\n\n'),
  example: '{name: chains, type: buffer, shape: [100, 784], init: {type: uniform, low: 0, high: 1}}',
  fields: {
    shape: {
      description: 'Its extents, without a batch.',
      type: 'array',
      items: { type: 'integer', minimum: 1 },
      minItems: 1,
      maxItems: 8,
    },
    init: { description: 'What it holds at first.', ...typed(INITIALIZERS), default: 'zeros' },
    next: { description: 'Layer whose value it takes on after a training step.', type: 'string', minLength: 1 },
  },
  required: ['shape'],
  arity: [0, 0],
  feedback: 'next',
  samples: [{ inputs: [], fields: { shape: [2, 3] } }],
  lower(context) {
    const { shape, init } = context.fields;
    return context.buffer('value', shape as readonly number[], init ?? 'zeros');
  },
});
