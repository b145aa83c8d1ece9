/** Gated recurrent units. */
import type { Value } from '../../ir/graph';
import { Arithmetic } from '../../ops/families/arithmetic';
import { defineLayer } from '../define';
import { flag, flagOf, numberOf } from '../fields';
import { sliceAlong, splitAlong } from '../shape/pieces';
import { activationField, activationOf, CELL_FIELDS, products, recurrentMask, weight, type MakeCell } from './cell';
import { EXTRA_NOTE } from './inputs';
import { loopFields, outputsFor, runCell, runSequence, STACK_FIELDS } from './sequence';

const STATES = ['h'] as const;

const makeCell: MakeCell = (site) => {
  const { context } = site;
  const { fields } = context;
  const units = numberOf(fields, 'units');
  const after = flagOf(fields, 'reset_after');
  const act = activationOf(context, 'activation');
  const gate = activationOf(context, 'recurrent_activation');
  const { project, hiddenProduct, recurrent } = products(site, { units, gates: 3 });
  const inner = after && flagOf(fields, 'bias') ? weight(site, 'bias_hidden', [units], { init: 'zeros' }) : undefined;
  const masked = recurrentMask(site, [units]);
  /** The blocks of rows of the recurrent weight; as they are the same in every step, they are cut once. */
  const blocks = after ? undefined : splitAlong(context.b, recurrent, 0, [2 * units, units]);
  return {
    states: [[units]],
    project,
    step: (b, projected, [state]) => {
      const m = new Arithmetic(b, 'f32');
      const h = state!;
      const seen = masked(b, h);
      const part = (x: Value, from: number): Value => sliceAlong(b, x, 1, from * units, (from + 1) * units);
      const own = hiddenProduct(b, seen, blocks?.[0]);
      const r = gate(b, m.add(part(projected, 0), part(own, 0)));
      const z = gate(b, m.add(part(projected, 1), part(own, 1)));
      const resetLast = (): Value => {
        const product = part(own, 2);
        return m.mul(r, inner ? m.add(product, inner) : product);
      };
      const recalled = blocks ? hiddenProduct(b, m.mul(r, seen), blocks[1]) : resetLast();
      const candidate = act(b, m.add(part(projected, 2), recalled));
      return [m.add(candidate, m.mul(z, m.sub(h, candidate)))];
    },
  };
};

const OWN_FIELDS = {
  ...CELL_FIELDS,
  activation: activationField('Function of the candidate.', 'tanh'),
  recurrent_activation: activationField('Function of the gates.', 'sigmoid'),
  reset_after: flag(
    'The reset gate acts on the product U·h (PyTorch, cuDNN, Keras); with false on h before the product (Cho et al. 2014, older Keras, Theano).',
    true,
  ),
};
const PARAMETERS = ['weight_input', 'weight_hidden', 'bias', 'bias_hidden'] as const;

export const gru = defineLayer({
  type: 'gru',
  summary: 'Gated recurrent units along a sequence: a state that gates reset and update.',
  details: [
    "r, z = σ(W·x + U·h + b), each with its rows of the weights; n = tanh(W·x + b + r·(U·h + bias_hidden)), with `reset_after: false` tanh(W·x + b + U·(r·h)); h' = (1 − z)·n + z·h.",
    'Input [N, T, C]; output [N, T, units], [N, T, 2·units] where both directions are concatenated. Further outputs: `name.h`, the state after the last step, [N, units] or [N, layers · directions, units] of several, the directions of a layer side by side; `name.sequence` and `name.last`.',
    EXTRA_NOTE,
    'Weights: `weight_input` [3·units, C], `weight_hidden` [3·units, units] and `bias` [3·units] hold the gates in the order r, z, n; `bias_hidden` [units], with `reset_after`, is added inside of the reset. Those of further layers end in `_1`, `_2`, …, those of the reverse direction in `_reverse`. Settings under `parameters:` hold for all of them.',
    "PyTorch (`GRU`) has the same order and two biases of 3·units: `bias` is their sum for r and z and the input's for n, `bias_hidden` the other one for n. It draws everything from ±1/√units. Keras (`GRU`) has the order z, r, n and both weights transposed. In the paper of Cho et al. z and 1 − z are swapped; PyTorch and Keras are as here. Weights start as in Keras: glorot_uniform, orthogonal, zeros. Caffe has no such layer.",
    'Cho et al. 2014. Dropout that is the same in every step: Gal and Ghahramani 2016.',
  ].join('\n\n'),
  example: '{name: encoder, type: gru, units: 128, layers: 2, dropout: 0.2}',
  fields: { ...OWN_FIELDS, ...STACK_FIELDS, ...loopFields(STATES) },
  required: ['units'],
  arity: [1, 5],
  parameters: PARAMETERS,
  outputs: outputsFor(STATES),
  lower: (context, inputs) => runSequence(context, inputs, STATES, makeCell),
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }], fields: { units: 3, layers: 2, dropout: 0.2 } },
    {
      name: 'reset before the product, both ways multiplied, lengths',
      inputs: [{ shape: ['N', 3, 2] }, { shape: ['N'], dtype: 'int32', values: [2, 3, 1] }],
      fields: { units: 3, reset_after: false, bidirectional: true, merge: 'mul', extra_inputs: ['lengths'] },
    },
    {
      name: 'no bias, reverse, an initial state, dropout in time',
      inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 3] }],
      fields: { units: 3, bias: false, reverse: true, extra_inputs: ['h'], recurrent_dropout: 0.3, input_dropout: 0.3 },
    },
    {
      name: 'reset before, dropout in time, markers',
      inputs: [{ shape: ['N', 5, 2] }, { shape: ['N', 5], dtype: 'bool', values: [0, 1, 1, 0, 1, 1, 1] }],
      fields: { units: 2, reset_after: false, recurrent_dropout: 0.3, extra_inputs: ['cont'], return: 'last' },
    },
  ],
});

export const gruCell = defineLayer({
  type: 'gru_cell',
  summary: 'One step of a `gru`, for bodies of `scan`.',
  details:
    'Inputs: x [N, C] and the state h [N, units]; output: the next state. Weights as of `gru`. `GRUCell` of PyTorch and Keras.',
  example: '{name: next, type: gru_cell, inputs: [x, h], units: 3}',
  fields: OWN_FIELDS,
  required: ['units'],
  arity: [2, 2],
  parameters: PARAMETERS,
  lower: (context, inputs) => runCell(context, inputs, makeCell),
  samples: [
    { inputs: [{ shape: ['N', 5] }, { shape: ['N', 3] }], fields: { units: 3 } },
    { inputs: [{ shape: ['N', 2] }, { shape: ['N', 3] }], fields: { units: 3, reset_after: false } },
  ],
});
