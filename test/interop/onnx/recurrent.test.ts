/** RNN, GRU and LSTM in all of their forms: as our recurrent layers, and as a `scan` where those have no words. */
import type { OnnxNode } from '../../../compiler/interop/formats/onnx/encode';
import { testSingles, type Given, type Single } from './single';

const [T, N, C, H] = [5, 3, 4, 6];
const GATES = { RNN: 1, GRU: 3, LSTM: 4 } as const;

interface Form {
  readonly both?: true;
  readonly reverse?: true;
  readonly bias?: false;
  readonly lengths?: readonly number[];
  /** Whether states are given, in the file or as inputs. */
  readonly states?: 'file' | 'open' | 'zeros';
  readonly peephole?: true;
  readonly batchFirst?: true;
  /** The weights are inputs of the model. */
  readonly open?: true;
  readonly attributes?: Single['attributes'];
  readonly outputs?: readonly boolean[];
}

function form(op: keyof typeof GATES, options: Form): Single {
  const { both, lengths, states, peephole, batchFirst, attributes = {} } = options;
  const D = both ? 2 : 1;
  const rows = GATES[op] * H;
  const weight = (shape: readonly number[]): Given => (options.open ? { shape, open: true } : { shape });
  const state = (): Given | undefined => {
    const shape = batchFirst ? [N, D, H] : [D, N, H];
    if (states === 'zeros') return { shape, values: [0] };
    return states === undefined ? undefined : states === 'open' ? { shape, open: true } : { shape };
  };
  const outputs = options.outputs ?? [true, true, ...(op === 'LSTM' ? [true] : [])];
  const inputs = [
    { shape: batchFirst ? [N, T, C] : [T, N, C], open: true as const },
    weight([D, rows, C]),
    weight([D, rows, H]),
    options.bias === false ? undefined : weight([D, 2 * rows]),
    lengths && { shape: [N], dtype: 'i32' as const, values: lengths },
    state(),
    ...(op === 'LSTM' ? [state(), peephole && { shape: [D, 3 * H] }] : []),
  ];
  return {
    op,
    inputs,
    outputs: outputs.map((read, i) => (read ? { rank: i === 0 ? 4 : 3 } : undefined)),
    attributes: {
      hidden_size: H,
      ...(both ? { direction: 'bidirectional' } : options.reverse ? { direction: 'reverse' } : {}),
      ...(batchFirst ? { layout: 1 } : {}),
      ...attributes,
    },
  };
}

/** As PyTorch writes it: zeros of [1, N, H], N taken from the input. */
function followed(): Single {
  const node = (
    op: string,
    inputs: readonly string[],
    output: string,
    attributes: Single['attributes'] = {},
  ): OnnxNode => ({
    name: output,
    op,
    inputs,
    outputs: [output],
    attributes,
  });
  const plain = form('LSTM', { outputs: [true, true, true] });
  const [, weight, hidden, bias] = plain.inputs;
  const batchFirst = { shape: [N, T, C], written: ['batch', T, C], open: true as const };
  const made = { shape: [], made: true as const };
  return {
    ...plain,
    inputs: [
      made,
      weight,
      hidden,
      bias,
      undefined,
      made,
      made,
      undefined,
      batchFirst,
      { shape: [1], dtype: 'i64', values: [1] },
      { shape: [1], dtype: 'i64', values: [H] },
    ],
    takes: 8,
    before: [
      node('Transpose', ['x8'], 'x0', { perm: [1, 0, 2] }),
      node('Shape', ['x8'], 'n', { start: 0, end: 1 }),
      node('Concat', ['x9', 'n', 'x10'], 'shape', { axis: 0 }),
      node('ConstantOfShape', ['shape'], 'x5'),
      node('Identity', ['x5'], 'x6'),
    ],
  };
}

const layers =
  (...types: readonly string[]) =>
  ({ text }: { readonly text: string }): void => {
    const found = [...text.matchAll(/type: (rnn|gru|lstm|scan)\b/g)].map(([, type]) => type);
    expect(found).toEqual(types);
  };

const texts = (...strings: readonly string[]): { readonly strings: readonly string[] } => ({ strings });
const floats = (...values: readonly number[]): { readonly floats: readonly number[] } => ({ floats: values });

testSingles([
  ['RNN', form('RNN', {}), layers('rnn')],
  [
    'RNN in reverse, relu, no bias',
    form('RNN', { reverse: true, bias: false, attributes: { activations: texts('Relu') } }),
    layers('rnn'),
  ],
  [
    'RNN both ways, a function each',
    form('RNN', { both: true, attributes: { activations: texts('Tanh', 'Sigmoid') } }),
    layers('rnn', 'rnn'),
  ],
  ['RNN of weights that are inputs', form('RNN', { both: true, open: true }), layers('rnn', 'rnn')],
  ['GRU', form('GRU', {}), layers('gru')],
  ['GRU, reset after the product', form('GRU', { attributes: { linear_before_reset: 1 } }), layers('gru')],
  ['GRU of lengths, with a state', form('GRU', { lengths: [5, 2, 3], states: 'file' }), layers('gru')],
  [
    'GRU both ways, weights as inputs',
    form('GRU', { both: true, open: true, states: 'open', attributes: { linear_before_reset: 1 } }),
    layers('gru', 'gru'),
  ],
  ['GRU, the state after the last step alone', form('GRU', { both: true, outputs: [false, true] }), layers('gru')],
  [
    'GRU with a clip',
    form('GRU', { states: 'open', lengths: [5, 1, 4], attributes: { clip: { float: 0.4 } } }),
    layers('scan'),
  ],
  [
    'GRU with a clip, reset after',
    form('GRU', { reverse: true, attributes: { clip: { float: 0.3 }, linear_before_reset: 1 } }),
    layers('scan'),
  ],
  ['LSTM', form('LSTM', {}), layers('lstm')],
  [
    'LSTM both ways, states and lengths',
    form('LSTM', { both: true, states: 'open', lengths: [4, 5, 1] }),
    layers('lstm'),
  ],
  [
    'LSTM from zeros, peepholes, in reverse',
    form('LSTM', { states: 'zeros', peephole: true, reverse: true }),
    layers('lstm'),
  ],
  ['LSTM of any batch, from states that are filled as its shape says', followed(), layers('lstm')],
  ['LSTM of whole lengths', form('LSTM', { lengths: [T, T, T], states: 'file' }), layers('lstm')],
  [
    'LSTM with functions of its own',
    form('LSTM', {
      attributes: {
        activations: texts('HardSigmoid', 'LeakyRelu', 'LeakyRelu'),
        activation_alpha: floats(0.3, 0.2, 0.2),
        activation_beta: floats(0.4),
      },
    }),
    layers('lstm'),
  ],
  [
    'LSTM with another function of the cell, a clip and peepholes',
    form('LSTM', {
      both: true,
      states: 'file',
      peephole: true,
      attributes: {
        clip: { float: 0.5 },
        activations: texts('Sigmoid', 'Tanh', 'Softsign', 'Sigmoid', 'Elu', 'Affine'),
        activation_alpha: floats(0.5, 0.7),
        activation_beta: floats(0.1),
      },
    }),
    layers('scan', 'scan'),
  ],
  [
    'RNN with functions that no layer has',
    form('RNN', {
      both: true,
      lengths: [2, 5, 3],
      attributes: {
        activations: texts('ScaledTanh', 'ThresholdedRelu'),
        activation_alpha: floats(0.9, 0.1),
        activation_beta: floats(0.8),
      },
    }),
    layers('scan', 'scan'),
  ],
]);
