/** Long short-term memory. */
import { Arithmetic } from '../../ops/families/arithmetic';
import { clipTo } from '../activations/hold';
import { defineLayer } from '../define';
import { numberOf, positive } from '../fields';
import { sliceAlong, splitAlong } from '../shape/pieces';
import {
  forgetBiasField,
  gateBias,
  activationField,
  activationOf,
  CELL_FIELDS,
  products,
  recurrentMask,
  weight,
  type MakeCell,
} from './cell';
import { EXTRA_NOTE } from './inputs';
import { loopFields, outputsFor, runCell, runSequence, STACK_FIELDS } from './sequence';

const STATES = ['h', 'c'] as const;

const makeCell: MakeCell = (site) => {
  const { context } = site;
  const { fields } = context;
  const units = numberOf(fields, 'units');
  const projection = typeof fields['projection'] === 'number' ? fields['projection'] : undefined;
  const hidden = projection ?? units;
  const act = activationOf(context, 'activation');
  const gate = activationOf(context, 'recurrent_activation');
  const { project, hiddenProduct } = products(site, {
    units,
    gates: 4,
    hidden,
    biasInit: gateBias(context, units),
  });
  const down =
    projection === undefined
      ? undefined
      : weight(site, 'weight_projection', [projection, units], { init: 'glorot_uniform' });
  const peephole =
    fields['peephole'] === true ? weight(site, 'weight_peephole', [3, units], { init: 'zeros' }) : undefined;
  const clip = fields['cell_clip'];
  const masked = recurrentMask(site, [hidden]);
  return {
    states: [[hidden], [units]],
    project,
    step: (b, projected, [h, c]) => {
      const m = new Arithmetic(b, 'f32');
      const sums = m.add(projected, hiddenProduct(b, masked(b, h!)));
      const [i, f, g, o] = splitAlong(b, sums, 1, [units, units, units, units]) as [...(typeof sums)[]] & { length: 4 };
      const peeping = (x: typeof sums, cell: typeof sums, row: number): typeof sums =>
        peephole ? m.add(x, m.mul(cell, sliceAlong(b, peephole, 0, row, row + 1))) : x;
      const kept = m.mul(gate(b, peeping(f!, c!, 1)), c!);
      const sum = m.add(kept, m.mul(gate(b, peeping(i!, c!, 0)), act(b, g!)));
      const cell = typeof clip === 'number' ? clipTo(m, sum, -clip, clip) : sum;
      const out = m.mul(gate(b, peeping(o!, cell, 2)), act(b, cell));
      const next = down ? b.op('matmul', [out, down], { transpose_a: false, transpose_b: true }) : out;
      return [next, cell];
    },
  };
};

const OWN_FIELDS = {
  ...CELL_FIELDS,
  activation: activationField('Function of the candidate and of the cell.', 'tanh'),
  recurrent_activation: activationField('Function of the gates.', 'sigmoid'),
  forget_bias: forgetBiasField,
  peephole: {
    description: 'The gates see the cell too, through `weight_peephole` (Gers and Schmidhuber 2000).',
    type: 'boolean',
    default: false,
  },
  projection: positive('Size of the output, which is then made smaller by `weight_projection` (Sak et al. 2014).'),
  cell_clip: {
    description: 'Holds the cell between −cell_clip and cell_clip.',
    type: 'number',
    exclusiveMinimum: 0,
  },
} as const;

const PARAMETERS = ['weight_input', 'weight_hidden', 'bias', 'weight_peephole', 'weight_projection'] as const;

export const lstm = defineLayer({
  type: 'lstm',
  summary: 'Long short-term memory along a sequence: a cell whose gates decide what it takes, keeps and shows.',
  details: [
    "i, f, o = σ(W·x + U·h + b), g = tanh(W·x + U·h + b), each with its rows of the weights; c' = f·c + i·g, h' = o·tanh(c').",
    'Input [N, T, C]; output [N, T, units], [N, T, 2·units] where both directions are concatenated. Further outputs: `name.h` and `name.c`, the states after the last step, [N, units] or [N, layers · directions, units] of several, the directions of a layer side by side; `name.sequence` and `name.last`.',
    EXTRA_NOTE,
    'Weights: `weight_input` [4·units, C], `weight_hidden` [4·units, units] and `bias` [4·units] hold the gates in the order i, f, g, o; `weight_peephole` [3, units] those of i, f, o; `weight_projection` [projection, units]. Those of further layers end in `_1`, `_2`, …, those of the reverse direction in `_reverse`. Settings under `parameters:` hold for all of them.',
    'PyTorch (`LSTM`, `proj_size`) has the same order and two biases, of which this one is the sum; it puts time first unless `batch_first`, draws everything from ±1/√units, and its last output along time is not that of the reverse direction, which `return: last` gives. Keras (`LSTM`) has the same order (i, f, c, o) and both weights transposed; `go_backwards` gives the outputs in the order in which they are computed. Caffe (`LSTM`) has the order i, f, o, g and takes [T, N, C] with markers, `cont` here. Weights start as in Keras: glorot_uniform, orthogonal, zeros.',
    'Hochreiter and Schmidhuber 1997; Gers et al. 2000. Dropout that is the same in every step: Gal and Ghahramani 2016.',
  ].join('\n\n'),
  example: '{name: encoder, type: lstm, units: 128, bidirectional: true, return: last}',
  fields: { ...OWN_FIELDS, ...STACK_FIELDS, ...loopFields(STATES) },
  required: ['units'],
  arity: [1, 6],
  parameters: PARAMETERS,
  outputs: outputsFor(STATES),
  lower: (context, inputs) => runSequence(context, inputs, STATES, makeCell),
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }], fields: { units: 3 } },
    {
      name: 'two layers, both ways, lengths, initial states',
      inputs: [
        { shape: ['N', 3, 2] },
        { shape: ['N'], dtype: 'int64', values: [2, 3, 1] },
        { shape: ['N', 4, 2] },
        { shape: ['N', 4, 2] },
      ],
      fields: { units: 2, layers: 2, bidirectional: true, dropout: 0.3, extra_inputs: ['lengths', 'h', 'c'] },
    },
    {
      name: 'peepholes, a projection, a mask',
      inputs: [{ shape: ['N', 4, 3] }, { shape: ['N', 4], dtype: 'bool', values: [1, 0, 1, 1, 1] }],
      fields: {
        units: 3,
        peephole: true,
        projection: 2,
        extra_inputs: ['mask'],
        padded_output: 'previous',
        return: 'last',
      },
    },
    {
      name: 'other functions, a clipped cell, reverse, dropout in time',
      inputs: [{ shape: ['N', 3, 2] }],
      fields: {
        units: 2,
        activation: 'softsign',
        recurrent_activation: { type: 'hard_sigmoid', slope: 0.2 },
        cell_clip: 0.3,
        reverse: true,
        recurrent_dropout: 0.4,
        input_dropout: 0.3,
        forget_bias: 0,
      },
    },
    {
      name: 'markers, checkpoints, both ways averaged, no bias',
      inputs: [{ shape: ['N', 5, 2] }, { shape: ['N', 5], dtype: 'int32', values: [0, 1, 1, 0, 1, 1, 1] }],
      fields: { units: 2, bias: false, bidirectional: true, merge: 'ave', checkpoint: true, extra_inputs: ['cont'] },
    },
    {
      name: 'truncated',
      inputs: [{ shape: ['N', 5, 2] }],
      fields: { units: 2, truncate: 2 },
      // Finite differences do not stop where the gradient does.
      wrt: [],
      parameters: false,
    },
  ],
});

export const lstmCell = defineLayer({
  type: 'lstm_cell',
  summary: 'One step of an `lstm`, for bodies of `scan`.',
  details:
    'Inputs: x [N, C] and the states h [N, units] and c [N, units]; outputs: the next h, and `name.c`. Weights as of `lstm`. `LSTMCell` of PyTorch and Keras, `LSTMUnit` of Caffe with the products.',
  example: '{name: next, type: lstm_cell, inputs: [x, h, c], units: 3}',
  fields: OWN_FIELDS,
  required: ['units'],
  arity: [3, 3],
  parameters: PARAMETERS,
  outputs: ['c'],
  lower: (context, inputs) => runCell(context, inputs, makeCell),
  samples: [
    { inputs: [{ shape: ['N', 5] }, { shape: ['N', 3] }, { shape: ['N', 3] }], fields: { units: 3 } },
    {
      name: 'a projection',
      inputs: [{ shape: ['N', 2] }, { shape: ['N', 2] }, { shape: ['N', 3] }],
      fields: { units: 3, projection: 2, peephole: true, cell_clip: 0.5 },
    },
  ],
});
