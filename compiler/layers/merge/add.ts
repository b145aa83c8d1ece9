/** Sum of tensors, element by element. */
import { MANY } from '../define';
import { isNumbers } from '../fields';
import { requireFloat } from '../window';
import { defineMerge } from './merge';

const THREE = [{ shape: ['N', 3] }, { shape: ['N', 3] }, { shape: ['N', 1] }] as const;

export const add = defineMerge({
  type: 'add',
  arity: [2, MANY],
  summary: 'The sum of the inputs, element by element.',
  details: "With `coefficients` a weighted sum, as Caffe's Eltwise has it.",
  example: '{name: sum, type: add, inputs: [bn2, skip], activation: relu}',
  fields: {
    coefficients: {
      description: 'Factors on the inputs, one for each; 1 where not given.',
      type: 'array',
      items: { type: 'number' },
      minItems: 2,
    },
  },
  samples: [{ inputs: [...THREE], fields: { coefficients: [1, -0.5, 2] } }],
  integers: true,
  apply(context, inputs, m) {
    const { coefficients } = context.fields;
    if (!isNumbers(coefficients)) return inputs.reduce((sofar, input) => m.add(sofar, input));
    requireFloat(context, ...inputs);
    if (coefficients.length !== inputs.length) {
      context.fail(['coefficients'], `there are ${coefficients.length} coefficients for ${inputs.length} inputs`);
    }
    const terms = inputs.map((input, i) => (coefficients[i] === 1 ? input : m.mul(input, coefficients[i] ?? 1)));
    return terms.reduce((sofar, term) => m.add(sofar, term));
  },
});
