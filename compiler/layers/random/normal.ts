/** Numbers of the normal and of the uniform distribution. */
import { defineLayer } from '../define';
import { flag, flagOf, numberOf } from '../fields';
import { drawnShape, MODES_NOTE, shapeField } from './drawing';

export const randomNormal = defineLayer({
  type: 'random_normal',
  summary: 'Draws numbers of a normal distribution.',
  details: `The output has the given \`shape\`, or that of the input which \`inputs\` names, whose values do not matter. The noise of a variational autoencoder is a \`random_normal\` on the means, multiplied and added. ${MODES_NOTE}`,
  example: '{name: noise, type: random_normal, shape: [N, 16]}',
  fields: {
    shape: shapeField,
    mean: { description: 'Mean of the distribution.', type: 'number', default: 0 },
    std: { description: 'Standard deviation, before any truncation.', type: 'number', minimum: 0, default: 1 },
    truncated: flag('Draws again what lies further than two standard deviations from the mean.', false),
  },
  arity: [0, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const attrs = {
      shape: drawnShape(context, inputs),
      mean: numberOf(fields, 'mean'),
      std: numberOf(fields, 'std'),
      truncated: flagOf(fields, 'truncated'),
    };
    return b.op('random_normal', [context.rng()], { ...attrs, stream: context.stream('normal') });
  },
  samples: [
    { inputs: [], fields: { shape: ['N', 16] } },
    { name: 'like an input', inputs: [{ shape: ['N', 3, 5] }], fields: { mean: 2, std: 0.5, truncated: true } },
  ],
});

export const randomUniform = defineLayer({
  type: 'random_uniform',
  summary: 'Draws numbers of a uniform distribution.',
  details: `In [low, high), of 24 random bits each. The output has the given \`shape\`, or that of the input which \`inputs\` names, whose values do not matter. ${MODES_NOTE}`,
  example: '{name: noise, type: random_uniform, shape: [N, 16], low: -1}',
  fields: {
    shape: shapeField,
    low: { description: 'The least number.', type: 'number', default: 0 },
    high: { description: 'What all numbers are below.', type: 'number', default: 1 },
  },
  arity: [0, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const [low, high] = [numberOf(fields, 'low'), numberOf(fields, 'high')];
    if (low >= high) context.fail(['high'], `nothing lies between ${low} and ${high}`);
    const attrs = { shape: drawnShape(context, inputs), low, high };
    return b.op('random_uniform', [context.rng()], { ...attrs, stream: context.stream('uniform') });
  },
  samples: [
    { inputs: [], fields: { shape: ['N', 16], low: -1 } },
    { name: 'like an input', inputs: [{ shape: ['N', 3, 5], dtype: 'int32' }], fields: { high: 0.5 } },
  ],
});
