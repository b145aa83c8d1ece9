/** A metric by its formula. */
import { EXPRESSION_FIELDS } from '../layers/control/expression';
import { MANY } from '../layers/define';
import { defineMetric } from './define';
import { lowerFormula } from '../losses/expression';
import { betterField, betterIn } from './totals';
import { meanOf } from './of_loss';

export const expression = defineMetric({
  type: 'expression',
  summary: 'A metric by formula: the mean over all elements of what it gives, exact over an epoch.',
  details: 'The language is that of the layer `expression`; truth values count as 0 and 1.',
  example: '{type: expression, name: within_one, inputs: [x, label], expr: "abs(x - label) < 1"}',
  fields: { ...EXPRESSION_FIELDS, better: betterField },
  required: ['expr'],
  arity: [1, MANY],
  namesInputs: true,
  better: betterIn,
  samples: [
    { inputs: [{ shape: ['N', 3] }, { shape: ['N', 3] }], fields: { names: ['p', 't'], expr: 'abs(p - t) < 0.5' } },
  ],
  lower: (context, inputs) => ({ ...lowerFormula(context, inputs) }),
  finish: meanOf,
});
