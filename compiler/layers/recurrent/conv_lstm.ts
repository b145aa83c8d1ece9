/** LSTMs of images: the products with the weights are convolutions. One definition for each number of axes. */
import type { Value } from '../../ir/graph';
import { Arithmetic } from '../../ops/families/arithmetic';
import { convAttrs, filtersField, kernelText, shapesText, SAME_NOTE, slidingFields } from '../convolution/convolution';
import { defineLayer, type LayerDef } from '../define';
import { flag, flagOf, numberOf } from '../fields';
import { splitAlong } from '../shape/pieces';
import type { Rank } from '../window';
import { perAxisOf, SPATIAL, windowOf } from '../window';
import { activationField, activationOf, forgetBiasField, gateBias, recurrentMask, weight, type MakeCell } from './cell';
import { EXTRA_NOTE } from './inputs';
import { loopFields, outputsFor, runSequence, STACK_FIELDS } from './sequence';

const STATES = ['h', 'c'] as const;

/** A cell over images with so many axes. */
const makeCell =
  (rank: Rank): MakeCell =>
  (site) => {
    const { context } = site;
    const { b, fields } = context;
    const [channels = 1, ...size] = site.input;
    const filters = numberOf(fields, 'filters');
    const kernel = perAxisOf(fields, 'kernel', rank);
    const window = windowOf(context, size, kernel);
    const act = activationOf(context, 'activation');
    const gate = activationOf(context, 'recurrent_activation');
    const operands = [weight(site, 'weight_input', [4 * filters, channels, ...kernel], { init: 'glorot_uniform' })];
    const recurrent = weight(site, 'weight_hidden', [4 * filters, filters, ...kernel], { init: 'orthogonal' });
    if (flagOf(fields, 'bias'))
      operands.push(weight(site, 'bias', [4 * filters], { init: gateBias(context, filters) }));
    const ones = kernel.map(() => 1);
    // As large as what it convolves; the odd zero comes at the end.
    const same = {
      stride: ones,
      padding_low: kernel.map((extent) => Math.floor((extent - 1) / 2)),
      padding_high: kernel.map((extent) => Math.ceil((extent - 1) / 2)),
      dilation: ones,
      groups: 1,
    };
    const extents = size.map((extent, axis) => {
      const reach = window.dilation[axis]! * (kernel[axis]! - 1) + 1;
      return Math.floor((extent + window.low[axis]! + window.high[axis]! - reach) / window.stride[axis]!) + 1;
    });
    const state = [filters, ...extents];
    const masked = recurrentMask(site, state);
    return {
      states: [state, state],
      project: (x) => b.op('conv', [x, ...operands], convAttrs(context, window, 1)),
      step: (body, projected, [h, c]) => {
        const m = new Arithmetic(body, 'f32');
        const sums = m.add(projected, body.op('conv', [masked(body, h!), recurrent], same));
        const [i, f, g, o] = splitAlong(body, sums, 1, [filters, filters, filters, filters]) as Value[];
        const cell = m.add(m.mul(gate(body, f!), c!), m.mul(gate(body, i!), act(body, g!)));
        return [m.mul(gate(body, o!), act(body, cell)), cell];
      },
    };
  };

function defineConvLstm(rank: Rank): LayerDef {
  const type = `conv_lstm${rank}d`;
  const { noun, extents } = SPATIAL[rank];
  return defineLayer({
    type,
    summary: `Long short-term memory along a sequence of ${noun}s, with convolutions for products (Shi et al. 2015).`,
    details: [
      `Input [N, T, C, ${extents}], output [N, T, filters, …] with the extents of a convolution. Further outputs: \`name.h\`, \`name.c\`, the states after the last step, \`name.sequence\` and \`name.last\`. At each step: ${shapesText(rank)}`,
      "i, f, o = σ(W∗x + U∗h + b), g = tanh(W∗x + U∗h + b); c' = f·c + i·g, h' = o·tanh(c'). `stride`, `padding` and `dilation` are those of W; U has the same kernel, stride 1 and as many zeros as keep the extents.",
      EXTRA_NOTE,
      `Weights: \`weight_input\` [4·filters, C, ${kernelText(rank)}], \`weight_hidden\` [4·filters, filters, ${kernelText(rank)}], \`bias\` [4·filters], gates in the order i, f, g, o; those of the reverse direction end in \`_reverse\`. As Keras (ConvLSTM${rank}D), which has channels last, the order i, f, c, o and the padding \`valid\` too; the paper has peepholes besides. PyTorch and Caffe have none.`,
      SAME_NOTE,
    ].join('\n\n'),
    example: `{name: frames, type: ${type}, filters: 8, kernel: 3, padding: same, return: last}`,
    fields: {
      filters: filtersField,
      ...slidingFields(rank),
      bias: flag('Adds a learned number to each gate of each filter.', true),
      activation: activationField('Function of the candidate and of the cell.', 'tanh'),
      recurrent_activation: activationField('Function of the gates; older Keras has hard_sigmoid.', 'sigmoid'),
      forget_bias: forgetBiasField,
      bidirectional: STACK_FIELDS['bidirectional']!,
      merge: STACK_FIELDS['merge']!,
      ...loopFields(STATES),
    },
    required: ['filters', 'kernel'],
    arity: [1, 6],
    parameters: ['weight_input', 'weight_hidden', 'bias'],
    outputs: outputsFor(STATES),
    lower: (context, inputs) => runSequence(context, inputs, STATES, makeCell(rank), rank + 3),
    samples: [
      {
        inputs: [{ shape: ['N', 2, 2, ...[3, 4, 2].slice(0, rank)] }],
        fields: { filters: 1, kernel: rank === 3 ? 2 : 3, padding: 'same' },
      },
      {
        name: 'valid, both ways, lengths, dropout in time',
        modes: ['train'],
        inputs: [
          { shape: ['N', 2, 1, ...[4, 3, 2].slice(0, rank)] },
          { shape: ['N'], dtype: 'int32', values: [1, 2, 2] },
        ],
        fields: {
          filters: rank === 1 ? 2 : 1,
          kernel: 2,
          bias: false,
          bidirectional: true,
          recurrent_dropout: 0.3,
          input_dropout: 0.3,
          extra_inputs: ['lengths'],
        },
      },
    ],
  });
}

export const convLstm1d = defineConvLstm(1);
export const convLstm2d = defineConvLstm(2);
export const convLstm3d = defineConvLstm(3);
