/** Uniform in [low, high). */
import { numberOf } from '../layers/fields';
import { defineInitializer } from './define';
import { uniform as draw } from './random';

export const uniform = defineInitializer({
  type: 'uniform',
  summary: 'Uniform between `low` and `high`.',
  example: '{type: uniform, low: -0.1, high: 0.1}',
  fields: {
    low: { description: 'Lower end, included.', type: 'number', default: -0.05 },
    high: { description: 'Upper end, excluded.', type: 'number', default: 0.05 },
  },
  lower(context) {
    const low = numberOf(context.fields, 'low');
    const high = numberOf(context.fields, 'high');
    if (low > high) return context.fail(`has a low of ${low}, which is above its high of ${high}`);
    return draw(context, low, high);
  },
});
