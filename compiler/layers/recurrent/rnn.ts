/** The plain recurrent network of Elman (1990). */
import { defineLayer } from '../define';
import { numberOf } from '../fields';
import { activationField, activationOf, CELL_FIELDS, products, recurrentMask, type MakeCell } from './cell';
import { EXTRA_NOTE } from './inputs';
import { loopFields, outputsFor, runCell, runSequence, STACK_FIELDS } from './sequence';

const STATES = ['h'] as const;

const makeCell: MakeCell = (site) => {
  const { context } = site;
  const units = numberOf(context.fields, 'units');
  const act = activationOf(context, 'activation');
  const { project, hiddenProduct } = products(site, { units, gates: 1 });
  const masked = recurrentMask(site, [units]);
  return {
    states: [[units]],
    project,
    step: (b, projected, [h]) => [act(b, b.op('add', [projected, hiddenProduct(b, masked(b, h!))]))],
  };
};

const OWN_FIELDS = { ...CELL_FIELDS, activation: activationField('Function of the sum.', 'tanh') };
const PARAMETERS = ['weight_input', 'weight_hidden', 'bias'] as const;

export const rnn = defineLayer({
  type: 'rnn',
  summary: "Plain recurrent layer: h' = tanh(W·x + U·h + b) along a sequence.",
  details: [
    'Input [N, T, C]; output [N, T, units], [N, T, 2·units] where both directions are concatenated. Further outputs: `name.h`, the state after the last step, [N, units] or [N, layers · directions, units] of several, the directions of a layer side by side; `name.sequence` and `name.last`.',
    EXTRA_NOTE,
    'Weights: `weight_input` [units, C], `weight_hidden` [units, units], `bias` [units]; those of further layers end in `_1`, `_2`, …, those of the reverse direction in `_reverse`. Settings under `parameters:` hold for all of them. PyTorch (`RNN`) has two biases, of which this one is the sum, puts time first unless `batch_first`, and draws everything from ±1/√units; Keras (`SimpleRNN`) keeps both weights transposed, and `go_backwards` gives the outputs in the order in which they are computed. Weights start as in Keras: glorot_uniform, orthogonal, zeros. Caffe (`RNN`) has another layer on the states: `dense` with `axis: -1`, `activation: tanh`.',
    'Elman 1990.',
  ].join('\n\n'),
  example: '{name: encoder, type: rnn, units: 64, activation: relu}',
  fields: { ...OWN_FIELDS, ...STACK_FIELDS, ...loopFields(STATES) },
  required: ['units'],
  arity: [1, 5],
  parameters: PARAMETERS,
  outputs: outputsFor(STATES),
  lower: (context, inputs) => runSequence(context, inputs, STATES, makeCell),
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }], fields: { units: 3, activation: 'softplus' } },
    {
      name: 'two layers, both ways, an initial state',
      inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 4, 3] }],
      fields: { units: 3, layers: 2, bidirectional: true, dropout: 0.3, return: 'last', extra_inputs: ['h'] },
    },
    {
      name: 'reverse, no bias, dropout on inputs and states',
      inputs: [{ shape: ['N', 5, 3] }],
      fields: { units: 2, reverse: true, bias: false, input_dropout: 0.4, recurrent_dropout: 0.3 },
    },
    {
      name: 'lengths with an initial state, what was before at padding',
      inputs: [{ shape: ['N', 5, 2] }, { shape: ['N'], dtype: 'int32', values: [3, 0, 5] }, { shape: ['N', 3] }],
      fields: { units: 3, extra_inputs: ['lengths', 'h'], padded_output: 'previous' },
    },
    {
      name: 'other sequences begin, both ways, summed',
      inputs: [{ shape: ['N', 5, 2] }, { shape: ['N', 5], values: [0, 1, 1, 0, 1, 1, 1] }],
      fields: { units: 3, extra_inputs: ['cont'], bidirectional: true, merge: 'sum', checkpoint: true },
    },
  ],
});

export const rnnCell = defineLayer({
  type: 'rnn_cell',
  summary: 'One step of a plain recurrent layer, for bodies of `scan`.',
  details:
    'Inputs: x [N, C] and the state h [N, units]; output: the next state. Weights as of `rnn`. `RNNCell` of PyTorch, `SimpleRNNCell` of Keras.',
  example: '{name: next, type: rnn_cell, inputs: [x, h], units: 3}',
  fields: OWN_FIELDS,
  required: ['units'],
  arity: [2, 2],
  parameters: PARAMETERS,
  lower: (context, inputs) => runCell(context, inputs, makeCell),
  samples: [{ inputs: [{ shape: ['N', 5] }, { shape: ['N', 3] }], fields: { units: 3 } }],
});
