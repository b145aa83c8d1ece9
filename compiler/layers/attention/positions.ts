/** Positions of sequences: waves, learned vectors, rotations; and a learned token in front. */
import { resolveAxis } from '../axis';
import { defineLayer, type LowerContext } from '../define';
import { axisField, flag, flagOf, numberOf, positive, wordOf } from '../fields';
import type { Value } from '../../ir/graph';
import { broadcastTo, sliceAlong } from '../shape/pieces';
import { requireFloat } from '../window';
import { rotaryFields, rotaryOf, rotate } from './rotary';
import { tableOf } from '../table';

function sequenceOf(context: LowerContext, input: Value): readonly [number, number, number] {
  requireFloat(context, input);
  const [n, t, c] = input.type.shape;
  if (input.type.shape.length !== 3 || n === undefined || t === undefined || c === undefined) {
    return context.mismatch('shape', 'it works on sequences, of shape [N, T, C]');
  }
  return [n, t, c];
}

export const sinusoidalPositions = defineLayer({
  type: 'sinusoidal_positions',
  summary: 'Adds sines and cosines of the position, in wavelengths from 2π to 2π · base.',
  details:
    'Input and output [N, T, C]. Feature 2i at position t is sin(t / base^(2i/C)), feature 2i + 1 the cosine (Vaswani et al. 2017, SinePositionEncoding of KerasHub); with `order: halves` the sines come first and then the cosines. The paper multiplies the embeddings by √C before. With `add: false` the output is the table alone, [1, T, C].',
  example: '{name: placed, type: sinusoidal_positions}',
  fields: {
    base: {
      description: 'What the longest wavelength is made of.',
      type: 'number',
      exclusiveMinimum: 1,
      default: 10_000,
    },
    order: {
      description: 'Whether sines and cosines take turns or stand in two halves.',
      enum: ['neighbours', 'halves'],
      default: 'neighbours',
    },
    add: flag('Adds the table to the input; else it is the output itself.', true),
  },
  arity: [1, 1],
  lower(context, inputs) {
    const { b, fields } = context;
    const [, length, features] = sequenceOf(context, inputs[0]!);
    const base = numberOf(fields, 'base');
    const halves = wordOf(fields, 'order') === 'halves';
    const half = Math.ceil(features / 2);
    const values = tableOf(length * features, (k) => {
      const [t, c] = [Math.floor(k / features), k % features];
      const [i, cosine] = halves ? [c % half, c >= half] : [Math.floor(c / 2), c % 2 === 1];
      const angle = t * base ** ((-2 * i) / features);
      return cosine ? Math.cos(angle) : Math.sin(angle);
    });
    const table = b.constant(values, [1, length, features]);
    return flagOf(fields, 'add') ? b.op('add', [inputs[0]!, table]) : table;
  },
  samples: [
    { inputs: [{ shape: ['N', 5, 6] }] },
    {
      name: 'halves, an odd number of features',
      inputs: [{ shape: ['N', 3, 5] }],
      fields: { order: 'halves', base: 50 },
    },
    { name: 'the table', inputs: [{ shape: ['N', 3, 4] }], fields: { add: false } },
  ],
});

export const learnedPositions = defineLayer({
  type: 'learned_positions',
  summary: 'Adds a learned vector for each position.',
  details:
    'Input and output [N, T, C]. Weight: `positions` [max_length, C], of which the first T rows are added; normal with standard deviation 0.02 at the start (BERT, GPT-2, ViT). PositionEmbedding of KerasHub, whose `sequence_length` is `max_length`.',
  example: '{name: placed, type: learned_positions, max_length: 64}',
  fields: { max_length: positive('The longest sequence there will be. Default: the length of the input.') },
  arity: [1, 1],
  parameters: ['positions'],
  lower(context, inputs) {
    const { b, fields } = context;
    const [, length, features] = sequenceOf(context, inputs[0]!);
    const most = fields['max_length'] === undefined ? length : numberOf(fields, 'max_length');
    if (length > most) context.fail(['max_length'], `the sequence has ${length} positions, more than ${most}`);
    const init = { type: 'normal', std: 0.02 };
    const table = context.parameter('positions', [most, features], { init });
    return b.op('add', [inputs[0]!, sliceAlong(b, table, 0, 0, length)]);
  },
  samples: [
    { inputs: [{ shape: ['N', 5, 3] }], fields: { max_length: 64 } },
    { name: 'of the length of the input', inputs: [{ shape: ['N', 3, 2] }] },
  ],
});

export const rotaryPositions = defineLayer({
  type: 'rotary_positions',
  summary: 'Turns pairs of features by angles that grow with the position.',
  details:
    'For queries and keys, whose dot products then depend on the distance alone (Su et al. 2021). Features are on the last axis, positions on `axis`: [N, T, C], [N, H, T, C], or [N, T, H, C] with `axis: 1`. Pair i (a, b) becomes (a cos θ − b sin θ, b cos θ + a sin θ) with θ = t · base^(−2i / features that turn). `multi_head_attention` does it inside with its field `rotary`. Two conventions of pairs are in use and give different numbers for the same weights, see `pairs`.',
  example: '{name: turned, type: rotary_positions}',
  fields: { ...rotaryFields, axis: axisField('The axis of the positions.', -2) },
  arity: [1, 1],
  lower(context, inputs) {
    const input = inputs[0]!;
    requireFloat(context, input);
    const { shape } = input.type;
    const axis = resolveAxis(context, numberOf(context.fields, 'axis'), shape, ['axis']);
    if (axis === shape.length - 1) context.fail(['axis'], 'the last axis holds the features that turn');
    return rotate(context, input, axis, rotaryOf(context.fields), ['fraction']);
  },
  samples: [
    { inputs: [{ shape: ['N', 5, 6] }] },
    {
      name: 'neighbours, heads after positions',
      inputs: [{ shape: ['N', 3, 2, 4] }],
      fields: { pairs: 'neighbours', axis: 1, base: 100 },
    },
    { name: 'some features', inputs: [{ shape: ['N', 2, 3, 5] }], fields: { fraction: 0.8, pairs: 'neighbours' } },
  ],
});

export const classToken = defineLayer({
  type: 'class_token',
  summary: 'Puts learned tokens in front of a sequence.',
  details:
    'Input [N, T, C], output [N, T + count, C]. Weight: `token` [count, C], zeros at the start as in torchvision. The token gathers what a classifier needs (BERT, ViT): take it out again with `select`.',
  example: '{name: tokens, type: class_token}',
  fields: {
    count: positive('The number of tokens.', { default: 1 }),
    place: { description: 'Where they are put.', enum: ['start', 'end'], default: 'start' },
  },
  arity: [1, 1],
  parameters: ['token'],
  lower(context, inputs) {
    const { b, fields } = context;
    const input = inputs[0]!;
    const [batch, , features] = sequenceOf(context, input);
    const count = numberOf(fields, 'count');
    const token = context.parameter('token', [count, features], { init: 'zeros' });
    const tokens = broadcastTo(b, token, [batch, count, features]);
    return b.op('concat', wordOf(fields, 'place') === 'start' ? [tokens, input] : [input, tokens], { axis: 1 });
  },
  samples: [
    { inputs: [{ shape: ['N', 5, 3] }] },
    { name: 'two at the end', inputs: [{ shape: ['N', 3, 2] }], fields: { count: 2, place: 'end' } },
  ],
});
