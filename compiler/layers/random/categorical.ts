/** One of several classes by chance: drawn, or softly and with a gradient. */
import { axisOf } from '../axis';
import { defineLayer } from '../define';
import { axisField, flag, flagOf, numberOf } from '../fields';
import { requireFloat } from '../window';
import { gumbelNoise, MODES_NOTE, oneHot, straightThrough } from './drawing';

const temperature = {
  description: 'Divides the logits: above 1 the draw is more even, below 1 more often the likeliest.',
  type: 'number',
  exclusiveMinimum: 0,
  default: 1,
} as const;

export const categorical = defineLayer({
  type: 'categorical',
  summary: 'Draws the index of a class from logits.',
  details: `Class c has the probability softmax(logits / temperature)[c]; the output holds int32 indices, without the axis of the classes: the next character of a language model. By the maximum of logits / temperature + Gumbel noise, so no probability is ever computed. No gradient; \`gumbel_softmax\` has one. ${MODES_NOTE}`,
  example: '{name: next, type: categorical, temperature: 0.8}',
  fields: { temperature, axis: axisField('The axis of the classes.', 1) },
  arity: [1, 1],
  lower(context, inputs) {
    const { b } = context;
    const input = inputs[0]!;
    requireFloat(context, input);
    const axis = axisOf(context, input);
    const scaled = b.op('div', [input, b.full(numberOf(context.fields, 'temperature'))]);
    return b.op('argmax', [b.op('add', [scaled, gumbelNoise(context, input.type.shape)])], { axis });
  },
  samples: [
    { inputs: [{ shape: ['N', 5], range: [-2, 2] }], fields: { temperature: 0.8 }, wrt: [] },
    { name: 'last axis', inputs: [{ shape: ['N', 3, 7] }], fields: { axis: -1 }, wrt: [] },
  ],
});

export const gumbelSoftmax = defineLayer({
  type: 'gumbel_softmax',
  summary: 'Draws a class softly, as weights that sum to 1 and have a gradient.',
  details: `softmax((logits + g) / temperature) along the axis, g being Gumbel noise (Jang et al. 2017; Maddison et al. 2017). With \`hard\` the output is one-hot, 1 at the largest weight, and the gradient that of the weights. \`gumbel_softmax\` of PyTorch, whose axis is the last. ${MODES_NOTE}`,
  example: '{name: choice, type: gumbel_softmax, temperature: 0.5}',
  fields: {
    temperature: { ...temperature, description: 'Divides the sum: towards 0 the weights become one-hot.' },
    hard: flag('The output is one-hot; its gradient is that of the soft weights.', false),
    axis: axisField('The axis of the classes.', 1),
  },
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const input = inputs[0]!;
    requireFloat(context, input);
    const axis = axisOf(context, input);
    const { shape } = input.type;
    const noisy = b.op('add', [input, gumbelNoise(context, shape)]);
    const soft = b.op('softmax', [b.op('div', [noisy, b.full(numberOf(fields, 'temperature'))])], { axis });
    if (!flagOf(fields, 'hard')) return soft;
    return straightThrough(context, oneHot(context, b.op('argmax', [noisy], { axis }), shape, axis), soft);
  },
  samples: [
    { inputs: [{ shape: ['N', 5] }], fields: { temperature: 0.5 } },
    { name: 'hard', inputs: [{ shape: ['N', 3, 5] }], fields: { hard: true, axis: -1 }, wrt: [] },
  ],
});
