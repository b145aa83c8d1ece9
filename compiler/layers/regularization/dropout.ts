/** Dropout: one random op in training, nothing elsewhere. */
import { defineLayer } from '../define';
import { numberOf } from '../fields';
import { requireFloat } from '../window';

export const dropout = defineLayer({
  type: 'dropout',
  summary: 'Sets a share of the elements to 0 in training and scales the rest up; passes everything on elsewhere.',
  details: 'What is kept is multiplied by 1 / (1 − rate), so that the mean stays the same.',
  example: '{name: drop, type: dropout, rate: 0.5}',
  fields: {
    rate: {
      description: 'Share of the elements set to 0.',
      type: 'number',
      minimum: 0,
      exclusiveMaximum: 1,
      default: 0.5,
    },
  },
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    requireFloat(context, input);
    const rate = numberOf(context.fields, 'rate');
    if (context.mode !== 'train' || rate === 0) return input;
    return context.b.op('dropout', [input, context.rng()], { rate, stream: context.stream('dropout') });
  },
});
