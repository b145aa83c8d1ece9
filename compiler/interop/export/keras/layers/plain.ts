/** Dense layers, normalizations, shapes, merges, embeddings, loops and attention in Keras. */
import type { Json } from '../../../../frontend/spec';
import { elementCount } from '../../../../ir/types';
import { featureRows, identity, sameOrder } from '../../../formats/keras/axes';
import { pickBlocks, pickRows, reshape as reshaped, transpose, type Numbers } from '../../../formats/keras/tensors';
import { typedItem } from '../../../../lower/defaults';
import type { Use } from '../use';
import { settled, type Value } from '../value';

/** Row i of Keras is row `rows[i]` of ours. */
function inverse(rows: Int32Array): Int32Array {
  const result = new Int32Array(rows.length);
  rows.forEach((row, i) => (result[row] = i));
  return result;
}

function flat(use: Use, value: Value): Value {
  const { tensor, order } = value;
  if (order.length === 2) return value;
  const extents = order.slice(1).map((axis) => tensor.shape[axis]!);
  const axes = identity(order.length)
    .slice(1)
    .map((axis) => order.indexOf(axis) - 1);
  const wide = axes.filter((axis) => extents[axis] !== 1);
  const kept = wide.every((axis, i) => i === 0 || axis > wide[i - 1]!);
  const flattened = use.add(
    'Flatten',
    {},
    [tensor],
    [1, elementCount(extents)],
    use.layer.type === 'flatten' ? '' : '_flat',
  );
  return { tensor: flattened, order: [0, 1], ...(kept ? {} : { features: { extents, axes } }) };
}

export function flatten(use: Use): Value {
  if (use.fields.axis !== undefined && use.fields.axis !== 1) use.fail('flattens other axes than all behind the batch');
  if (use.shape.length !== 2) use.fail('flattens other axes than all behind the batch');
  return { ...flat(use, use.input), ...(use.input.positive === true ? { positive: true } : {}) };
}

export function dense(use: Use): Value {
  use.without('normalize_weight');
  const along = use.fields.axis;
  const rank = use.input.order.length;
  const last = along === -1 || along === rank - 1;
  if (rank > 2 && along !== undefined && along !== 1 && !last) use.fail('works on another axis than the last');
  const value = last ? { tensor: use.natural(use.input), order: identity(rank) } : flat(use, use.input);
  const features: Value['features'] = last && rank > 2 ? undefined : (use.input.features ?? value.features);
  const source = features === undefined ? use.natural(value) : rank === 2 ? use.input.tensor : value.tensor;
  const bias = use.fields.bias !== false;
  const config = { units: use.number('units'), use_bias: bias };
  const order = identity(use.shape.length);
  const tensor = use.weighted('Dense', config, [source], use.held(order), () => {
    const kernel = transpose(use.weight('weight'), [1, 0]);
    const rows = features === undefined ? kernel : pickRows(kernel, inverse(featureRows(features)));
    return { '': [rows, ...(bias ? [use.weight('bias')] : [])] };
  });
  return { tensor, order };
}

export function batchNorm(use: Use): Value {
  const rank = use.input.order.length;
  const given = use.number('axis');
  const { input } = use;
  const value = input.features === undefined ? input : { tensor: use.natural(input), order: identity(rank) };
  const axis = value.order[given < 0 ? given + rank : given]!;
  const scale = use.fields.scale !== false;
  const center = use.fields.center !== false;
  const momentum = Number((1 - use.number('momentum', 0.1)).toPrecision(7));
  const config = { axis, momentum, epsilon: use.number('epsilon'), center, scale };
  const tensor = use.weighted('BatchNormalization', config, [value.tensor], value.tensor.shape, () => {
    const own = [...(scale ? ['gamma'] : []), ...(center ? ['beta'] : []), 'mean', 'variance'];
    return { '': own.map((name) => use.weight(name)) };
  });
  return { tensor, order: value.order };
}

export function layerNorm(use: Use): Value {
  const { input } = use;
  const rank = input.order.length;
  const given = use.fields.axis;
  const axes = (Array.isArray(given) ? (given as readonly number[]) : [given as number]).map((axis) =>
    axis < 0 ? axis + rank : axis,
  );
  const value = input.features === undefined ? input : { tensor: use.natural(input), order: identity(rank) };
  // Gains of several axes have their extents in the order of the axes.
  const one = axes.length === 1;
  const source = one ? value.tensor : use.natural(value);
  const order = one ? value.order : identity(rank);
  const scale = use.fields.scale !== false;
  const center = use.fields.center !== false;
  const held = axes.map((axis) => order[axis]!);
  const config = { axis: one ? held[0]! : held, epsilon: use.number('epsilon'), center, scale };
  const tensor = use.weighted('LayerNormalization', config, [source], source.shape, () => ({
    '': [...(scale ? [use.weight('gamma')] : []), ...(center ? [use.weight('beta')] : [])],
  }));
  return { tensor, order };
}

export function standardize(use: Use): Value {
  use.without('invert');
  const { input } = use;
  const rank = input.order.length;
  const given = use.number('axis');
  const axis = input.order[given < 0 ? given + rank : given]!;
  const channels = input.tensor.shape[axis]!;
  const numbers = (name: string): number[] | undefined => {
    const value = use.fields[name];
    if (typeof value === 'number') return new Array<number>(channels).fill(value);
    return Array.isArray(value) ? (value as readonly number[]).map(Number) : undefined;
  };
  const stored = (name: string): number[] => [...use.weight(name).data];
  const mean = numbers('mean') ?? stored('mean');
  const variance = numbers('variance') ?? numbers('std')?.map((std) => std * std) ?? stored('variance');
  if (variance.some((value) => Math.sqrt(value) < use.number('epsilon')))
    use.say('variances below 1e-14 are Keras’s epsilon');
  return {
    ...settled(input),
    tensor: use.add('Normalization', { axis, mean, variance }, [input.tensor], input.tensor.shape),
  };
}

export function rescale(use: Use): Value {
  const config = { scale: use.number('scale'), offset: use.number('offset') };
  return { ...settled(use.input), tensor: use.add('Rescaling', config, [use.input.tensor], use.input.tensor.shape) };
}

/** What changes nothing in prediction and has a layer in Keras. */
export function noise(use: Use, type: string, setting: string, field: string): Value {
  if (use.fields.always === true) use.fail('draws in prediction too');
  const { tensor } = use.input;
  return { ...use.input, tensor: use.add(type, { [setting]: use.number(field) }, [tensor], tensor.shape) };
}

export function passed(use: Use): Value {
  if (!['identity', 'dropout'].includes(use.layer.type))
    use.say(`${use.layer.name} (${use.layer.type}) changes nothing in prediction and is left out`);
  return use.input;
}

export function reshape(use: Use): Value {
  if (use.shape[0] !== 1) use.fail('gives the batch another extent');
  const target = use.shape.slice(1);
  const tensor = use.add('Reshape', { target_shape: [...target] }, [use.natural(use.input)], use.shape);
  return { tensor, order: identity(use.shape.length) };
}

export function permute(use: Use): Value {
  const rank = use.shape.length;
  const axes = use.list('axes', rank).map((axis) => (axis < 0 ? axis + rank : axis));
  if (axes[0] !== 0) use.fail('moves the batch axis');
  const { input } = use;
  if (input.features !== undefined) return { tensor: use.natural(input), order: identity(rank) };
  // Only the names of the axes change.
  return { ...settled(input), order: axes.map((axis) => input.order[axis]!) };
}

/** All in the order of the first that is not ours. */
function together(use: Use): { tensors: Value['tensor'][]; order: readonly number[] } {
  const rank = use.shape.length;
  if (use.inputs.some(({ order }) => order.length !== rank)) use.fail('joins inputs of different numbers of axes');
  const order = use.inputs.find((value) => !sameOrder(value.order, identity(rank)))?.order ?? identity(rank);
  return { tensors: use.inputs.map((value) => use.inOrder(value, order)), order };
}

const positives = (use: Use): { positive?: boolean } =>
  use.inputs.every(({ positive }) => positive === true) ? { positive: true } : {};

export function merge(use: Use, type: string): Value {
  use.without('coefficients', 'weights');
  const { tensors, order } = together(use);
  if (tensors.length < 2) use.fail('has a single input');
  const sign = type === 'Subtract' ? {} : positives(use);
  return { tensor: use.add(type, {}, tensors, use.held(order)), order, ...sign };
}

export function concat(use: Use): Value {
  const { tensors, order } = together(use);
  const given = use.number('axis');
  const axis = order[given < 0 ? given + order.length : given]!;
  if (axis === 0) use.fail('joins along the batch axis');
  if (tensors.length < 2) return use.input;
  return { tensor: use.add('Concatenate', { axis }, tensors, use.held(order)), order, ...positives(use) };
}

/** A gate for each channel: the second input, stretched over the places. */
export function scale(use: Use): Value {
  const [input, gate] = use.inputs;
  if (gate === undefined) return use.fail('multiplies by a learned weight, for which Keras has no layer');
  use.without('bias');
  const rank = use.shape.length;
  const given = use.number('axis');
  const first = given < 0 ? given + rank : given;
  const extents = identity(rank).map((axis) => {
    const own = axis - first;
    return own >= 0 && own < gate.order.length ? gate.tensor.shape[gate.order[own]!]! : 1;
  });
  if (first !== 0 || extents[0] !== 1) use.fail('has a second input without the batch axis');
  const target = use.held(input!.order, extents).slice(1);
  const wide = use.add('Reshape', { target_shape: target }, [use.natural(gate)], [1, ...target], '_gate');
  return { tensor: use.add('Multiply', {}, [input!.tensor, wide], input!.tensor.shape), order: input!.order };
}

export function embedding(use: Use): Value {
  use.without('padding_index', 'bias');
  if (use.fields.scale !== 1) use.fail('multiplies its vectors');
  const config = { input_dim: use.number('vocabulary'), output_dim: use.number('units'), mask_zero: false };
  const source = use.natural(use.input);
  const tensor = use.weighted('Embedding', config, [source], use.shape, () => ({ '': [use.weight('weight')] }));
  return { tensor, order: identity(use.shape.length) };
}

const LOOPS = {
  lstm: { type: 'LSTM', gates: 4, order: [0, 1, 2, 3] },
  gru: { type: 'GRU', gates: 3, order: [1, 0, 2] },
  rnn: { type: 'SimpleRNN', gates: 1, order: [0] },
} as const;

export function loop(use: Use, kind: keyof typeof LOOPS): Value {
  const { type, gates, order } = LOOPS[kind];
  use.without('extra_inputs', 'peephole', 'projection', 'cell_clip', 'truncate');
  if (use.number('layers') !== 1) use.fail('has several `layers`: write them one after the other');
  const units = use.number('units');
  const both = use.fields.bidirectional === true;
  const sequences = use.word('return') !== 'last';
  const bias = use.fields.bias !== false;
  const resetAfter = kind === 'gru' && use.fields.reset_after !== false;
  const word = (key: string): Json => {
    const { type: name, fields } = typedItem(use.fields[key] ?? 'tanh');
    if (Object.keys(fields).length > 0) use.fail(`has settings of its \`${key}\``);
    return name === 'hard_swish' ? 'hard_silu' : name;
  };
  const backwards = use.fields.reverse === true;
  if (backwards && (sequences || both))
    use.fail('gives all steps from the last on in their places, which Keras turns around');
  const config = {
    units,
    activation: word('activation'),
    ...(kind === 'rnn' ? {} : { recurrent_activation: word('recurrent_activation') }),
    use_bias: bias,
    return_sequences: sequences,
    go_backwards: backwards,
    ...(kind === 'gru' ? { reset_after: resetAfter } : {}),
  };
  // The gates of ours stand in the order of Keras's places `order`; where each of Keras's is among ours.
  const places = order.map((_, i) => order.findIndex((gate) => gate === i));
  const turned = (numbers: Numbers): Numbers => pickBlocks(numbers, units, places);
  const cell = (side: string): Numbers[] => {
    const kernels = ['weight_input', 'weight_hidden'].map((name) =>
      transpose(turned(use.weight(`${name}${side}`)), [1, 0]),
    );
    if (!bias) return kernels;
    const own = turned(use.weight(`bias${side}`));
    if (!resetAfter) return [...kernels, own];
    const data = new Float32Array(2 * gates * units);
    data.set(own.data);
    data.set(use.weight(`bias_hidden${side}`).data, (2 * gates - 1) * units);
    return [...kernels, { shape: [2, gates * units], data }];
  };
  const after = identity(use.shape.length);
  const source = use.natural(use.input);
  if (!both)
    return { tensor: use.weighted(type, config, [source], use.shape, () => ({ cell: cell('') })), order: after };
  const inner = (name: string, back: boolean): Json => ({
    module: 'keras.layers',
    class_name: type,
    config: { ...config, name, go_backwards: back },
    registered_name: null,
  });
  const merge = use.word('merge') ?? 'concat';
  const settings = {
    merge_mode: merge,
    layer: inner('forward', false),
    backward_layer: inner('backward', true),
  };
  const tensor = use.weighted('Bidirectional', settings, [source], use.shape, () => ({
    'forward_layer/cell': cell(''),
    'backward_layer/cell': cell('_reverse'),
  }));
  return { tensor, order: after };
}

export function attention(use: Use): Value {
  use.without('masks', 'rotary', 'return_weights', 'causal');
  if (use.fields.output_projection === false) use.fail('has no projection of its output');
  const heads = use.number('heads');
  const shared = use.fields.key_value_heads;
  if (shared !== undefined && shared !== heads) use.fail('has fewer heads for keys than for queries');
  const bias = use.fields.bias !== false;
  const [query, key = query, value = key] = use.inputs.map((one) => use.natural(one));
  const features = query!.shape[2]!;
  const keyUnits = Number(use.fields.key_units ?? features / heads);
  const valueUnits = Number(use.fields.value_units ?? keyUnits);
  const units = use.shape[2]!;
  const config = {
    num_heads: heads,
    key_dim: keyUnits,
    value_dim: valueUnits,
    use_bias: bias,
    output_shape: [units],
    dropout: Number(use.fields.dropout ?? 0),
  };
  const part = (name: string, size: number): Numbers[] => {
    const weight = transpose(use.weight(name), [1, 0]);
    const kernel = reshaped(weight, [weight.shape[0]!, heads, size]);
    return [kernel, ...(bias ? [reshaped(use.weight(`${name}_bias`), [heads, size])] : [])];
  };
  const tensor = use.weighted('MultiHeadAttention', config, [query!, value!, key!], use.shape, () => ({
    query_dense: part('query', keyUnits),
    key_dense: part('key', keyUnits),
    value_dense: part('value', valueUnits),
    output_dense: [
      reshaped(transpose(use.weight('output'), [1, 0]), [heads, valueUnits, units]),
      ...(bias ? [use.weight('output_bias')] : []),
    ],
  }));
  return { tensor, order: identity(3) };
}
