/**
 * LSTM, GRU, SimpleRNN and the ConvLSTMs, alone, as an RNN with a cell, or inside of Bidirectional: settings, initial
 * and final states. How their weights are arranged is in `gates.ts`.
 */
import type { Fields, Json } from '../../../../frontend/spec';
import { isList, isObject } from '../../../formats/json';
import { activationField, activationOf, UnknownActivation } from '../activations';
import { Config, type Settings } from '../config';
import { Refusal, type Use } from '../use';
import { identity, stepsChannelsFirst } from '../../../formats/keras/axes';
import type { Value } from '../value';
import { CELLS, convDirection, direction, type Cell, type Direction } from './gates';
import { windowOf } from './window';

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
  ...['unroll', 'use_cudnn', 'build_config', 'input_dtype', 'batch_size', 'cell', 'data_format', 'padding', 'strides'],
  ...['dilation_rate', 'kernel_size', 'batch_shape', 'autocast'],
];

interface Loop {
  readonly type: string;
  readonly settings: Settings;
  readonly wrapped: boolean;
  /** Cells above each other, which are alike. */
  readonly layers: number;
}

const classOf = ({ class_name: type }: Settings): string => (typeof type === 'string' ? type : 'nothing');

/** What cells above each other have in common. */
const ALIKE = [
  'units',
  'activation',
  'recurrent_activation',
  'use_bias',
  'reset_after',
  'dropout',
  'recurrent_dropout',
];

const configOf = ({ config }: Settings): Settings => (isObject(config) ? config : {});

/** The cells of an RNN: one, or several above each other. */
function cellsOf(cell: Json | undefined): readonly Settings[] {
  if (isList(cell)) return cell.filter(isObject);
  if (!isObject(cell)) return [];
  const { cells } = configOf(cell);
  return isList(cells) ? cells.filter(isObject) : [cell];
}

/** The class and the settings of the loop itself, whatever stands around it. */
function loopOf(use: Use): Loop {
  const wrapped = use.layer.type === 'Bidirectional';
  const inner = wrapped ? use.config.value('layer') : undefined;
  if (wrapped && !isObject(inner)) throw new Refusal('it wraps no layer');
  let type = isObject(inner) ? classOf(inner) : use.layer.type;
  let settings: Settings = isObject(inner) ? (isObject(inner.config) ? inner.config : {}) : use.layer.config;
  const cells = type === 'RNN' ? cellsOf(settings.cell) : [];
  const [first] = cells;
  if (first !== undefined) {
    const plain = (cell: Settings): string => JSON.stringify(ALIKE.map((key) => configOf(cell)[key] ?? null));
    if (cells.some((cell) => classOf(cell) !== classOf(first) || plain(cell) !== plain(first)))
      throw new Refusal('the cells in it differ, which is not read');
    type = classOf(first).replace(/Cell$/, '');
    settings = { ...settings, ...configOf(first) };
  }
  const own = wrapped && use.version < 2 ? use.upgraded(type, settings) : settings;
  return { type, settings: own, wrapped, layers: Math.max(cells.length, 1) };
}

export function recurrent(use: Use): Value[] {
  const { type, settings, wrapped, layers } = loopOf(use);
  const cell = CELLS[type];
  if (cell === undefined) throw new Refusal(`it goes along time with a \`${type}\`, which is not read`);
  const config = new Config(settings, (problem) => {
    throw new Refusal(problem);
  });
  config.ignore(...IGNORED);
  for (const key of wrapped ? ['backward_layer'] : Object.keys(settings)) use.config.ignore(key);
  use.rank(3 + cell.axes);
  const sequences = config.flag('return_sequences', false);
  const backwards = config.flag('go_backwards', false);
  const merge = use.config.value('merge_mode') ?? null;
  const joined = wrapped ? (typeof merge === 'string' ? merge : merge === null ? 'concat' : '') : 'concat';
  if (layers > 1 && (wrapped || use.inputs.length > 1))
    throw new Refusal('several cells in both directions, or with states, are not read');
  if (wrapped && backwards) throw new Refusal('its `go_backwards` inside of Bidirectional is not read');
  if (!['concat', 'sum', 'mul', 'ave'].includes(joined)) throw new Refusal(`its \`merge_mode\` ${joined} is not known`);
  const bias = cell.bias === 'always' || config.flag('use_bias', true);
  const resetAfter = cell.type === 'gru' && (cell.bias === 'always' || config.flag('reset_after', use.version > 2));
  const size = config.size(cell.axes > 0 ? 'filters' : 'units');
  if (config.flag('stateful', false))
    use.lost('stateful', 'states start from zeros in every call; hand them on as inputs and outputs');
  const number = (key: string): number => config.number(key, 0);
  const older = cell.bias === 'always' || use.version > 2 ? 'sigmoid' : 'hard_sigmoid';
  const gated = cell.type !== 'rnn';
  const order = cell.axes > 0 && imagesLast(config) ? stepsChannelsFirst(3 + cell.axes) : identity(3 + cell.axes);
  const extents = order.map((axis) => use.input.shape[axis]!);
  const window = cell.axes > 0 ? windowOf(config, cell.axes, config.ints('kernel_size', cell.axes, 1, 1)) : undefined;
  const states = statesOf(use, cell, wrapped);
  const mask = use.input.mask;
  const zeros = config.flag('zero_output_for_mask', false);
  const extra = [...states.words, ...(mask === undefined ? [] : ['mask'])];
  const fields: Fields = {
    ...(cell.axes > 0 ? { filters: size, ...window!.fields } : { units: size }),
    ...functionOf(use, config, 'activation', 'tanh', 'tanh'),
    ...(gated ? functionOf(use, config, 'recurrent_activation', older, 'sigmoid') : {}),
    ...(cell.type === 'gru' && !resetAfter ? { reset_after: false } : {}),
    ...(bias ? {} : { bias: false }),
    ...(layers === 1 ? {} : { layers }),
    ...(wrapped ? { bidirectional: true } : {}),
    ...(joined === 'concat' ? {} : { merge: joined }),
    ...(backwards ? { reverse: true } : {}),
    ...(sequences ? {} : { return: 'last' }),
    ...(number('dropout') > 0 ? { input_dropout: number('dropout') } : {}),
    ...(number('recurrent_dropout') > 0 ? { recurrent_dropout: number('recurrent_dropout') } : {}),
    ...(extra.length === 0 ? {} : { extra_inputs: extra }),
    ...(mask === undefined || zeros ? {} : { padded_output: 'previous' }),
  };
  const inputs = [use.context.orders.inOrder(use.input, order), ...states.refs, ...(mask === undefined ? [] : [mask])];
  const one: Direction = {
    cell,
    features: extents[2]!,
    size,
    bias,
    resetAfter,
    kernel: window?.kernel ?? [],
    side: '',
  };
  const ref = use.weighted(cell.type, inputs, fields, [], () => {
    const sides = wrapped ? ['', '_reverse'] : [''];
    const read = cell.axes > 0 ? convDirection : direction;
    const levels = Array.from({ length: layers }, (_, level) => level);
    return Object.fromEntries(
      sides.flatMap((side) =>
        levels.flatMap((level) => {
          const features = level === 0 ? one.features : size;
          return Object.entries(read(use, { ...one, features, side: `${level === 0 ? '' : `_${level}`}${side}` }));
        }),
      ),
    );
  });
  for (const key of config.unread()) {
    if (/_(regularizer|constraint)$/.test(key)) use.lost(key, 'settings of single weights of loops are not read');
    else if (key !== 'return_state') use.lost(key, 'a setting that is not known here');
  }
  const wide = wrapped && joined === 'concat' ? 2 * size : size;
  const spatial = extents.slice(3).map((extent, i) => window!.extent(extent, i));
  const shaped = (channels: number, steps: boolean): Pick<Value, 'shape' | 'order'> =>
    steps
      ? placedIn(order, [0, extents[1]!, channels, ...spatial])
      : placedIn(withoutTime(order), [0, channels, ...spatial]);
  const kept = mask === undefined || !sequences ? {} : { mask };
  // Keras hands the steps on in the order in which it computed them.
  const turned = sequences && backwards ? use.plain('flip', [ref], { axes: 1 }, '_flipped') : ref;
  const output: Value = { ref: turned, ...shaped(wide, sequences), ...(backwards ? {} : kept) };
  const outputs = wrapped && merge === null ? halves(use, output, size) : [output];
  if (!config.flag('return_state', false)) return outputs;
  if (layers > 1) throw new Refusal('the states of several cells are not read');
  const sides = wrapped ? [0, 1] : [undefined];
  const finals = sides.flatMap((side) =>
    cell.states.map((state): Value => {
      const whole = `${ref}.${state}`;
      const suffix = `_${state}${side === 1 ? '_reverse' : ''}`;
      const own = side === undefined ? whole : use.plain('select', [whole], { axis: 1, index: side }, suffix);
      return { ref: own, ...shaped(size, false) };
    }),
  );
  return [...outputs, ...finals];
}

const imagesLast = (config: Config): boolean => config.text('data_format', 'channels_last') !== 'channels_first';

const withoutTime = (order: readonly number[]): number[] =>
  order.filter((axis) => axis !== 1).map((axis) => (axis > 1 ? axis - 1 : axis));

function placedIn(order: readonly number[], extents: readonly number[]): Pick<Value, 'shape' | 'order'> {
  const shape = new Array<number>(order.length).fill(0);
  order.forEach((axis, i) => (shape[axis] = extents[i]!));
  return { shape, order };
}

/** Both directions as two outputs, which Keras gives where they are not to be merged. */
function halves(use: Use, output: Value, size: number): Value[] {
  const keras = output.shape.length - 1;
  const axis = output.order.indexOf(keras);
  const parts = use.plain('split', [output.ref], { axis, sections: 2 }, '_directions');
  const shape = output.shape.map((extent, at) => (at === keras ? size : extent));
  return ['0', '1'].map((part) => ({ ...output, ref: `${parts}.${part}`, shape }));
}

/** The states before the first step: tensors behind the first, or by name. */
function statesOf(use: Use, cell: Cell, wrapped: boolean): { refs: string[]; words: readonly string[] } {
  const given = [...use.inputs.slice(1), ...(use.named.initial_state ?? [])];
  if (given.length === 0) return { refs: [], words: [] };
  const expected = cell.states.length * (wrapped ? 2 : 1);
  if (given.length !== expected) throw new Refusal(`it takes ${expected} initial states; ${given.length} are given`);
  const refs = given.map((value) => use.context.orders.natural(value));
  if (!wrapped) return { refs, words: cell.states };
  const both = cell.states.map((state, i) =>
    use.plain('stack', [refs[i]!, refs[i + cell.states.length]!], {}, `_initial_${state}`),
  );
  return { refs: both, words: cell.states };
}

export function masking(use: Use): Value {
  const value = use.config.number('mask_value', 0);
  const ref = use.plain('masking', [use.context.orders.natural(use.input)], value === 0 ? {} : { value });
  return { ref, shape: use.input.shape, order: identity(use.input.shape.length), mask: `${ref}.mask` };
}
