/** Weights of recurrent layers: the gates of each version of Keras in our order. */
import { add, joinRows, pickBlocks, transpose, type Numbers } from '../../../formats/keras/tensors';
import type { Use } from '../use';

export interface Cell {
  readonly type: 'lstm' | 'gru' | 'rnn' | 'conv_lstm1d' | 'conv_lstm2d' | 'conv_lstm3d';
  readonly gates: number;
  /** Our gate i is Keras's gate `order[i]`. */
  readonly order: readonly number[];
  /** Of Keras 1, which keeps each gate apart: our gate i is its triple `old[i]`. */
  readonly old: readonly number[];
  readonly states: readonly string[];
  /** Spatial axes of convolutional ones. */
  readonly axes: 0 | 1 | 2 | 3;
  /** `always` in the layers for cuDNN, which have a second bias for the states. */
  readonly bias?: 'always';
}

const LSTM: Cell = { type: 'lstm', gates: 4, order: [0, 1, 2, 3], old: [0, 2, 1, 3], states: ['h', 'c'], axes: 0 };
const GRU: Cell = { type: 'gru', gates: 3, order: [1, 0, 2], old: [1, 0, 2], states: ['h'], axes: 0 };

export const CELLS: Readonly<Record<string, Cell>> = {
  LSTM,
  GRU,
  CuDNNLSTM: { ...LSTM, bias: 'always' },
  CuDNNGRU: { ...GRU, bias: 'always' },
  SimpleRNN: { type: 'rnn', gates: 1, order: [0], old: [0], states: ['h'], axes: 0 },
  ConvLSTM1D: { ...LSTM, type: 'conv_lstm1d', axes: 1 },
  ConvLSTM2D: { ...LSTM, type: 'conv_lstm2d', axes: 2 },
  ConvLSTM3D: { ...LSTM, type: 'conv_lstm3d', axes: 3 },
};

export interface Direction {
  readonly cell: Cell;
  /** Of the input. */
  readonly features: number;
  /** Of the state. */
  readonly size: number;
  readonly bias: boolean;
  readonly resetAfter: boolean;
  readonly kernel: readonly number[];
  /** `_reverse` for the direction from the end. */
  readonly side: string;
}

const namesOf = (side: string): { input: string; hidden: string; bias: string } => ({
  input: `weight_input${side}`,
  hidden: `weight_hidden${side}`,
  bias: `bias${side}`,
});
const WHY = 'transposed, gates in our order';

/** The weights of one direction. */
export function direction(use: Use, one: Direction): Record<string, Numbers> {
  const { cell, features, size, bias, resetAfter, side } = one;
  const { gates, order, old } = cell;
  const names = namesOf(side);
  if (use.version < 2 && gates > 1) {
    const triples = old.map(() => [
      transpose(use.take([features, size], names.input, WHY), [1, 0]),
      transpose(use.take([size, size], names.hidden, WHY), [1, 0]),
      use.take([size], names.bias, 'gates in our order'),
    ]);
    const joined = (part: number): Numbers => joinRows(old.map((gate) => triples[gate]![part]!));
    return { [names.input]: joined(0), [names.hidden]: joined(1), [names.bias]: joined(2) };
  }
  const arranged = (numbers: Numbers): Numbers => pickBlocks(numbers, size, order);
  const weights = {
    [names.input]: arranged(transpose(use.take([features, gates * size], names.input, WHY), [1, 0])),
    [names.hidden]: arranged(transpose(use.take([size, gates * size], names.hidden, WHY), [1, 0])),
  };
  if (!bias) return weights;
  const two = resetAfter || cell.bias === 'always';
  if (!two) return { ...weights, [names.bias]: arranged(use.take([gates * size], names.bias)) };
  const flat = cell.bias === 'always';
  const why = resetAfter ? 'the sum of both biases, but for the candidate' : 'the sum of both biases';
  const both = use.take(flat ? [2 * gates * size] : [2, gates * size], names.bias, why);
  const half = (part: number): Numbers => ({
    shape: [gates * size],
    data: both.data.slice(part * gates * size, (part + 1) * gates * size),
  });
  const hidden = half(1);
  if (!resetAfter) return { ...weights, [names.bias]: arranged(add(half(0), hidden)) };
  const candidate = hidden.data.slice(2 * size);
  hidden.data.fill(0, 2 * size);
  return {
    ...weights,
    [names.bias]: arranged(add(half(0), hidden)),
    [`bias_hidden${side}`]: { shape: [size], data: candidate },
  };
}

/** The same of a ConvLSTM, whose products are convolutions: [kernel, inputs, gates · filters]. */
export function convDirection(
  use: Use,
  { cell, features, size, bias, kernel, side }: Direction,
): Record<string, Numbers> {
  const names = namesOf(side);
  const axes = kernel.length;
  const turned = [axes + 1, axes, ...kernel.map((_, axis) => axis)];
  const taken = (channels: number, name: string): Numbers =>
    transpose(
      use.take([...kernel, channels, cell.gates * size], name, 'transposed to [gates, inputs, kernel]'),
      turned,
    );
  return {
    [names.input]: taken(features, names.input),
    [names.hidden]: taken(size, names.hidden),
    ...(bias ? { [names.bias]: use.take([cell.gates * size], names.bias) } : {}),
  };
}
