/** Dense layers, activations, shapes, embeddings and noise. */
import type { Fields } from '../../../../frontend/spec';
import { pickRows, reshape as reshaped, transpose } from '../../../formats/keras/tensors';
import { advanced, single, type Activation } from '../activations';
import { placed, Refusal, type Use } from '../use';
import { featureRows, identity } from '../../../formats/keras/axes';
import { settled, type Value } from '../value';
import { BIAS, KERNEL } from './convolution';

export function dense(use: Use): Value {
  const { input } = use;
  const rank = input.shape.length;
  const units = use.config.size('units');
  const bias = use.config.flag('use_bias', true);
  if (!bias) use.config.ignore('bias_initializer', 'bias_regularizer', 'bias_constraint');
  const features = input.shape[rank - 1]!;
  const source = input.features === undefined ? use.context.orders.natural(input) : input.ref;
  const fields = { units, ...(rank === 2 ? {} : { axis: -1 }), ...(bias ? {} : { bias: false }) };
  const found = use.activation();
  const ref = use.weighted('dense', [source], fields, [KERNEL(2), ...(bias ? [BIAS] : [])], () => {
    const rows = input.features;
    const why = rows === undefined ? 'transposed' : 'transposed, its columns in the order of channels first';
    const taken = use.take([features, units], 'weight', why);
    const kernel = rows === undefined ? taken : pickRows(taken, featureRows(rows));
    return { weight: transpose(kernel, [1, 0]), ...(bias ? { bias: use.take([units], 'bias') } : {}) };
  });
  const order = identity(rank);
  return {
    ref: use.activated(ref, order, found),
    shape: [...input.shape.slice(0, -1), units],
    order,
    ...(found === undefined ? { foldable: 1 } : {}),
  };
}

/** An Activation, or a layer that is one. */
export function activation(use: Use): Value {
  const found = advanced(use.layer.type, use.config) ?? use.activation();
  const { input } = use;
  if (found === undefined) return { ...input, ref: use.plain('identity', [input.ref]) };
  const ours: Activation = placed(found, input.order);
  const value = settled(input);
  if (input.foldable !== undefined && use.alone && found.type !== 'expression')
    return { ...value, ref: use.activated(input.ref, input.order, found) };
  return { ...value, ref: use.plain(ours.type, [input.ref], ours.fields) };
}

export function flatten(use: Use): Value {
  const { input } = use;
  const rank = input.shape.length;
  const turned = use.config.text('data_format', 'channels_last') === 'channels_first' && rank > 2;
  const count = input.shape.slice(1).reduce((product, extent) => product * extent, 1);
  const shape = [0, count];
  const order = [0, 1];
  if (rank === 2 && input.features !== undefined) return input;
  // Keras brings channels to the end before it flattens; the axes in the order in which it does.
  const sequence = turned ? [...identity(rank).slice(2), 1] : identity(rank).slice(1);
  const axes = sequence.map((axis) => input.order.indexOf(axis) - 1);
  const extents = input.order.slice(1).map((axis) => input.shape[axis]!);
  const wide = axes.filter((axis) => extents[axis] !== 1);
  const ref = use.plain('flatten', [input.ref]);
  const kept = wide.every((axis, i) => i === 0 || axis > wide[i - 1]!);
  return { ref, shape, order, ...(kept ? {} : { features: { extents, axes } }) };
}

export function reshape(use: Use): Value {
  const { input } = use;
  const count = input.shape.slice(1).reduce((product, extent) => product * extent, 1);
  const target = use.config.integers('target_shape') ?? [];
  const rest = target.reduce((product, extent) => (extent > 0 ? product * extent : product), 1);
  const extents = target.map((extent) => (extent > 0 ? extent : count / rest));
  if (extents.reduce((product, extent) => product * extent, 1) !== count || extents.some((e) => !Number.isInteger(e)))
    throw new Refusal(`[${input.shape.slice(1).join(', ')}] does not fit [${target.join(', ')}]`);
  const ref = use.plain('reshape', [use.context.orders.natural(input)], {
    shape: [use.context.orders.batch, ...extents],
  });
  return { ref, shape: [0, ...extents], order: identity(extents.length + 1) };
}

export function permute(use: Use): Value {
  const { input } = use;
  const dims = use.config.integers('dims') ?? [];
  const axes = [0, ...dims];
  const rank = input.shape.length;
  if (axes.length !== rank || new Set(axes).size !== rank || axes.some((axis) => axis < 0 || axis >= rank))
    throw new Refusal(`\`dims\` [${dims.join(', ')}] does not name the axes of its input`);
  const ref = use.plain('permute', [use.context.orders.natural(input)], { axes });
  return { ref, shape: axes.map((axis) => input.shape[axis]!), order: identity(rank) };
}

export function repeatVector(use: Use): Value {
  use.rank(2);
  const repeats = use.config.size('n');
  const ref = use.plain('repeat_vector', [use.context.orders.natural(use.input)], { repeats });
  return { ref, shape: [0, repeats, use.input.shape[1]!], order: [0, 1, 2] };
}

export function embedding(use: Use): Value {
  const vocabulary = use.config.size('input_dim');
  const units = use.config.size('output_dim');
  const masked = use.config.flag('mask_zero', false);
  use.config.ignore('dropout');
  const rule = { param: 'weight', prefix: 'embeddings', usual: '', rank: 2 };
  const source = indices(use);
  const ref = use.weighted('embedding', [source], { vocabulary, units }, [rule], () => ({
    weight: use.take([vocabulary, units], 'weight'),
  }));
  const shape = [...use.input.shape, units];
  const mask = masked ? { mask: use.plain('not_equal', [source], { value: 0 }, '_mask') } : {};
  return { ref, shape, order: identity(shape.length), ...mask };
}

function indices(use: Use): string {
  const { input } = use;
  if (input.dtype === 'i32') return input.ref;
  return use.plain('cast', [use.context.orders.natural(input)], { dtype: 'int32' }, '_indices');
}

const NOISE: Readonly<Record<string, readonly [type: string, field: string, setting: string]>> = {
  Dropout: ['dropout', 'rate', 'rate'],
  AlphaDropout: ['alpha_dropout', 'rate', 'rate'],
  GaussianDropout: ['gaussian_dropout', 'rate', 'rate'],
  GaussianNoise: ['gaussian_noise', 'std', 'stddev'],
  SpatialDropout1D: ['spatial_dropout1d', 'rate', 'rate'],
  SpatialDropout2D: ['spatial_dropout2d', 'rate', 'rate'],
  SpatialDropout3D: ['spatial_dropout3d', 'rate', 'rate'],
};

export function noise(use: Use): Value {
  const { input } = use;
  const [type, field, setting] = NOISE[use.layer.type]!;
  const fields: Record<string, number> = { [field]: single(use.config.number(setting, 0.5)) };
  if (use.config.has('noise_shape')) throw new Refusal('its `noise_shape` is not read yet');
  if (type.startsWith('spatial')) {
    const rank = input.shape.length;
    const channels = use.layer.type === 'SpatialDropout1D' || use.channelsLast() ? rank - 1 : 1;
    const axis = input.order.indexOf(channels);
    if (axis !== 1) fields.axis = axis;
  }
  const value = settled(input);
  return { ...value, ref: use.plain(type, [input.ref], fields) };
}

export function prelu(use: Use): Value {
  const { input } = use;
  const rank = input.shape.length;
  const shared = use.config.integers('shared_axes') ?? [];
  const own = identity(rank)
    .slice(1)
    .filter((axis) => !shared.includes(axis) && !shared.includes(axis - rank));
  use.config.ignore('alpha_initializer');
  const extents = identity(rank)
    .slice(1)
    .map((at) => (own.includes(at) ? input.shape[at]! : 1));
  const rule = { param: 'slope', prefix: 'alpha', usual: 'zeros', rank: 1 };
  const element = own.length === rank - 1 && rank > 2;
  if (own.length === 0 || own.length === 1 || element) {
    const value = element ? { ...input, ref: use.context.orders.natural(input), order: identity(rank) } : input;
    const axis = own.length === 1 ? value.order.indexOf(own[0]!) : 1;
    const slopes = element ? 'element' : own.length === 0 ? 'one' : undefined;
    const fields: Fields = slopes !== undefined ? { slopes } : axis > 1 ? { axis } : {};
    const rows = element || input.features === undefined || own.length === 0 ? undefined : featureRows(input.features);
    const ref = use.weighted('prelu', [value.ref], fields, [rule], () => {
      const taken = use.take(extents, 'slope');
      if (element) return { slope: taken };
      const flat = reshaped(taken, [taken.data.length]);
      return { slope: rows === undefined ? flat : pickRows(flat, rows) };
    });
    return element ? { ref, shape: input.shape, order: identity(rank) } : { ...settled(input), ref };
  }
  // Slopes that some axes of several share: a weight of a formula, along the axes that it has.
  const names = AXES[rank];
  if (names === undefined) throw new Refusal('its slopes are shared along some axes of too many');
  const slope = { shape: own.map((axis) => names[axis]!), init: 0 };
  const fields: Fields = { expr: 'x if x > 0 else slope * x', weights: { slope } };
  const ref = use.weighted('expression', [use.context.orders.natural(input)], fields, [], () => {
    const taken = use.take(extents, 'slope');
    return {
      slope: reshaped(
        taken,
        own.map((axis) => input.shape[axis]!),
      ),
    };
  });
  return { ref, shape: input.shape, order: identity(rank) };
}

/** What formulas call the axes of an input, by their number. */
const AXES: Readonly<Record<number, readonly string[]>> = {
  3: ['N', 'T', 'C'],
  4: ['N', 'C', 'H', 'W'],
  5: ['N', 'C', 'D', 'H', 'W'],
};

/** The settings of a price, ours. */
export function priceOf(use: Use, l1: number, l2: number): Fields {
  return {
    ...(l1 === 0 ? {} : { l1: single(l1) }),
    ...(l2 === 0 ? {} : { l2: single(l2) }),
    // Of version 3 it is a sum over the batch.
    ...(use.version > 2 ? { reduction: 'sum' } : {}),
  };
}

export function activityRegularization(use: Use): Value {
  const fields = priceOf(use, use.config.number('l1', 0), use.config.number('l2', 0));
  return { ...settled(use.input), ref: use.plain('activity_regularization', [use.input.ref], fields) };
}

export function passed(use: Use): Value {
  return { ...settled(use.input), ref: use.plain('identity', [use.input.ref]) };
}
