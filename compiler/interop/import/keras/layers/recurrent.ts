/** LSTM, GRU and SimpleRNN, alone or inside of Bidirectional: gates, biases and states in our order. */
import type { Fields, Json } from '../../../../frontend/spec';
import { activationField, activationOf, UnknownActivation } from '../activations';
import { Config } from '../config';
import { add, joinRows, pickBlocks, transpose, type Numbers } from '../tensors';
import { Refusal, type Use } from '../use';
import { identity, type Value } from '../value';

interface Cell {
  readonly type: 'lstm' | 'gru' | 'rnn';
  readonly gates: number;
  /** Our gate i is Keras's gate `order[i]`. */
  readonly order: readonly number[];
  /** Of Keras 1, which keeps each gate apart: our gate i is its triple `old[i]`. */
  readonly old: readonly number[];
}

const CELLS: Readonly<Record<string, Cell>> = {
  LSTM: { type: 'lstm', gates: 4, order: [0, 1, 2, 3], old: [0, 2, 1, 3] },
  GRU: { type: 'gru', gates: 3, order: [1, 0, 2], old: [1, 0, 2] },
  SimpleRNN: { type: 'rnn', gates: 1, order: [0], old: [0] },
};

const FUNCTIONS = [
  ...['tanh', 'sigmoid', 'hard_sigmoid', 'relu', 'linear', 'softsign', 'softplus', 'hard_tanh', 'leaky_relu', 'elu'],
  ...['selu', 'gelu', 'silu', 'relu6', 'exponential'],
];

function functionOf(use: Use, config: Config, key: string, fallback: string, usual: string): Fields {
  let word: Json;
  try {
    const found = activationOf(config.value(key) ?? fallback, use.version);
    if (found !== undefined && !FUNCTIONS.includes(found.type)) throw new UnknownActivation(found.type);
    word = found === undefined ? 'linear' : activationField(found);
  } catch (error) {
    if (!(error instanceof UnknownActivation)) throw error;
    throw new Refusal(`the activation \`${error.message}\` has no counterpart inside of a loop`);
  }
  return word === usual ? {} : { [key]: word };
}

/** Settings about machines and initial values of cells, which weights replace or which say how it is computed. */
const IGNORED = [
  ...['name', 'trainable', 'dtype', 'batch_input_shape', 'implementation', 'consume_less', 'input_length', 'input_dim'],
  ...['kernel_initializer', 'recurrent_initializer', 'bias_initializer', 'unit_forget_bias', 'seed', 'time_major'],
  ...['unroll', 'use_cudnn', 'zero_output_for_mask', 'build_config', 'stateful', 'input_dtype'],
];

export function recurrent(use: Use): Value {
  const wrapped = use.layer.type === 'Bidirectional';
  const inner = wrapped ? use.config.value('layer') : undefined;
  const innerType = wrapped ? (inner as { class_name?: string } | undefined)?.class_name : use.layer.type;
  const cell = CELLS[innerType ?? ''];
  if (cell === undefined) throw new Refusal(`it wraps a \`${innerType ?? 'nothing'}\`, which is not read`);
  const complain = (problem: string): never => {
    throw new Refusal(problem);
  };
  const settings = wrapped ? (((inner as { config?: Json }).config ?? {}) as { [key: string]: Json }) : {};
  const config = wrapped ? new Config(settings, complain) : use.config;
  use.rank(3);
  if (wrapped) use.config.ignore('backward_layer');
  if (use.inputs.length > 1 || Object.keys(use.named).length > 0)
    throw new Refusal('its initial states are not read yet');
  if (config.flag('return_state', false)) throw new Refusal('its `return_state` is not read yet');
  const units = config.has('units') ? config.size('units') : new Config(settings, complain).size('output_dim');
  const sequences = config.flag('return_sequences', false);
  const backwards = config.flag('go_backwards', false);
  const bias = config.flag('use_bias', true);
  const resetAfter = cell.type === 'gru' && config.flag('reset_after', false);
  const merge = wrapped ? use.config.text('merge_mode', 'concat') : 'concat';
  if (wrapped && (backwards || !['concat', 'sum', 'mul', 'ave'].includes(merge)))
    throw new Refusal('this way of joining both directions is not read yet');
  const gated = cell.type !== 'rnn';
  const older = use.version < 3 ? 'hard_sigmoid' : 'sigmoid';
  const number = (key: string): number => config.number(key, 0);
  const fields: Fields = {
    units,
    ...functionOf(use, config, 'activation', 'tanh', 'tanh'),
    ...(gated ? functionOf(use, config, 'recurrent_activation', older, 'sigmoid') : {}),
    ...(cell.type === 'gru' && !resetAfter ? { reset_after: false } : {}),
    ...(bias ? {} : { bias: false }),
    ...(wrapped ? { bidirectional: true } : {}),
    ...(merge === 'concat' ? {} : { merge }),
    ...(backwards ? { reverse: true } : {}),
    ...(sequences ? {} : { return: 'last' }),
    ...(number('dropout') > 0 ? { input_dropout: number('dropout') } : {}),
    ...(number('recurrent_dropout') > 0 ? { recurrent_dropout: number('recurrent_dropout') } : {}),
    ...(use.input.mask === undefined ? {} : { extra_inputs: ['mask'], padded_output: 'previous' }),
  };
  config.ignore(...IGNORED);
  const features = use.input.shape[2]!;
  const source = use.context.orders.natural(use.input);
  const inputs = use.input.mask === undefined ? [source] : [source, use.input.mask];
  const ref = use.weighted(cell.type, inputs, fields, [], () => {
    const sides = wrapped ? ['', '_reverse'] : [''];
    return Object.assign(
      {},
      ...sides.map((side) => direction(use, cell, features, units, bias, resetAfter, side)),
    ) as Record<string, Numbers>;
  });
  if (wrapped) for (const key of config.unread()) use.lost(key, 'a setting that is not known here');
  const wide = wrapped && merge === 'concat' ? 2 * units : units;
  if (!sequences) return { ref, shape: [0, wide], order: identity(2) };
  const shape = [0, use.input.shape[1]!, wide];
  const mask = use.input.mask === undefined ? {} : { mask: use.input.mask };
  if (!backwards) return { ref, shape, order: identity(3), ...mask };
  // Keras hands the steps on in the order in which it computed them.
  return { ref: use.plain('flip', [ref], { axes: 1 }, '_flipped'), shape, order: identity(3) };
}

/** The weights of one direction. */
function direction(
  use: Use,
  cell: Cell,
  features: number,
  units: number,
  bias: boolean,
  resetAfter: boolean,
  side: string,
): Record<string, Numbers> {
  const { gates, order, old } = cell;
  const names = { input: `weight_input${side}`, hidden: `weight_hidden${side}`, bias: `bias${side}` };
  const why = 'transposed, gates in our order';
  if (use.version < 2 && gates > 1) {
    const triples = old.map(() => [
      transpose(use.take([features, units], names.input, why), [1, 0]),
      transpose(use.take([units, units], names.hidden, why), [1, 0]),
      use.take([units], names.bias, 'gates in our order'),
    ]);
    const joined = (part: number): Numbers => joinRows(old.map((gate) => triples[gate]![part]!));
    return { [names.input]: joined(0), [names.hidden]: joined(1), [names.bias]: joined(2) };
  }
  const arranged = (numbers: Numbers): Numbers => pickBlocks(numbers, units, order);
  const weights = {
    [names.input]: arranged(transpose(use.take([features, gates * units], names.input, why), [1, 0])),
    [names.hidden]: arranged(transpose(use.take([units, gates * units], names.hidden, why), [1, 0])),
  };
  if (!bias) return weights;
  if (!resetAfter) return { ...weights, [names.bias]: arranged(use.take([gates * units], names.bias)) };
  const both = use.take([2, gates * units], names.bias, 'the sum of both biases, but for the candidate');
  const half = (part: number): Numbers => ({
    shape: [gates * units],
    data: both.data.slice(part * gates * units, (part + 1) * gates * units),
  });
  const hidden = half(1);
  const candidate = hidden.data.slice(2 * units);
  hidden.data.fill(0, 2 * units);
  return {
    ...weights,
    [names.bias]: arranged(add(half(0), hidden)),
    [`bias_hidden${side}`]: { shape: [units], data: candidate },
  };
}

export function masking(use: Use): Value {
  use.rank(3);
  const value = use.config.number('mask_value', 0);
  const ref = use.plain('masking', [use.context.orders.natural(use.input)], value === 0 ? {} : { value });
  return { ref, shape: use.input.shape, order: identity(3), mask: `${ref}.mask` };
}
