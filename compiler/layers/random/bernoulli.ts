/** Ones and zeros by chance. */
import type { Value } from '../../ir/graph';
import { defineLayer, type LowerContext } from '../define';
import { flag, flagOf, numberOf } from '../fields';
import { requireFloat } from '../window';
import { drawnShape, MODES_NOTE, shapeField, straightThrough, uniformOf } from './drawing';

function drawn(context: LowerContext, probability: Value, shape: readonly number[]): Value {
  const { b } = context;
  const hit = b.op('less', [uniformOf(context, shape, 'bernoulli'), probability]);
  return b.op('cast', [hit], { dtype: 'f32' });
}

export const bernoulli = defineLayer({
  type: 'bernoulli',
  summary: 'Draws 1 with a probability, else 0.',
  details: `The input, which \`inputs\` has to name, holds the probabilities, one for each element, in [0, 1]; without one \`shape\` and \`probability\` are given. The units of a restricted Boltzmann machine are drawn so. There is no gradient through a draw; with \`straight_through\` the probability gets that of the result (Bengio et al. 2013). ${MODES_NOTE}`,
  example: '{name: units, type: bernoulli, inputs: [probabilities]}',
  fields: {
    shape: shapeField,
    probability: {
      description: 'Probability of a 1, where the layer has no input.',
      type: 'number',
      minimum: 0,
      maximum: 1,
    },
    straight_through: flag('Passes the gradient of the draw on to its probability.', false),
  },
  arity: [0, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const shape = drawnShape(context, inputs);
    const [input] = inputs;
    const fixed = fields['probability'] !== undefined;
    const through = flagOf(fields, 'straight_through');
    if (!input) {
      if (!fixed) context.fail([], 'it needs `probability`, or an input with the probabilities');
      if (through) context.fail(['straight_through'], 'a fixed probability has no gradient');
      return drawn(context, b.full(Math.fround(numberOf(fields, 'probability'))), shape);
    }
    if (fixed) context.fail(['probability'], 'the input holds the probabilities', 'leave out one of the two');
    requireFloat(context, input);
    const draw = drawn(context, input, shape);
    return through ? straightThrough(context, draw, input) : draw;
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5], range: [0, 1] }], wrt: [] },
    {
      name: 'straight through',
      inputs: [{ shape: ['N', 5], range: [0, 1] }],
      fields: { straight_through: true },
      wrt: [],
    },
    { name: 'fixed', inputs: [], fields: { shape: ['N', 7], probability: 0.3 } },
  ],
});
