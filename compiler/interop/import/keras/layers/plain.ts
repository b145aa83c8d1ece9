/** Dense layers, activations, normalization, shapes, merges, embeddings and noise. */
import type { Fields } from '../../../../frontend/spec';
import { pickRows, reshape as reshaped, transpose, type Numbers } from '../tensors';
import { advanced, single, type Activation } from '../activations';
import { placed, Refusal, type Use } from '../use';
import { featureRows, identity, sameOrder, settled, type Value } from '../value';
import { BIAS, KERNEL } from './image';

export function dense(use: Use): Value {
  const { input } = use;
  const rank = input.shape.length;
  const units = use.config.size('units');
  const bias = use.config.flag('use_bias', true);
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

export function batchNorm(use: Use): Value {
  const { input } = use;
  const rank = input.shape.length;
  const given = use.config.integers('axis')?.[0] ?? -1;
  const keras = given < 0 ? given + rank : given;
  const axis = input.order.indexOf(keras);
  if (axis < 1) throw new Refusal(`its axis ${given} is not one of its input`);
  if (use.version < 2 && use.config.int('mode', 0) === 1) throw new Refusal('mode 1 normalizes each sample alone');
  const scale = use.config.flag('scale', true);
  const center = use.config.flag('center', true);
  const momentum = Number((1 - use.config.number('momentum', 0.99)).toPrecision(7));
  const epsilon = single(use.config.number('epsilon', 1e-3));
  const fields: Fields = {
    ...(axis === 1 ? {} : { axis }),
    ...(momentum === 0.1 ? {} : { momentum }),
    ...(epsilon === 1e-5 ? {} : { epsilon }),
    ...(scale ? {} : { scale: false }),
    ...(center ? {} : { center: false }),
  };
  const rules = [
    ...(scale ? [{ param: 'gamma', prefix: 'gamma', usual: 'ones', rank: 1 }] : []),
    ...(center ? [{ param: 'beta', prefix: 'beta', usual: 'zeros', rank: 1 }] : []),
  ];
  use.config.ignore('mode', 'renorm', 'virtual_batch_size', 'fused', 'gamma_init', 'beta_init');
  for (const key of ['gamma_initializer', 'beta_initializer', 'moving_mean_initializer', 'moving_variance_initializer'])
    use.config.ignore(key);
  const ref = use.weighted('batch_norm', [input.ref], fields, rules, () => {
    const rows = input.features === undefined ? undefined : featureRows(input.features);
    const one = (name: string): Numbers => {
      const taken = use.take([input.shape[keras]!], name);
      return rows === undefined ? taken : pickRows(taken, rows);
    };
    const stored: Record<string, Numbers> = {};
    if (scale) stored.gamma = one('gamma');
    if (center) stored.beta = one('beta');
    return { ...stored, mean: one('mean'), variance: one('variance') };
  });
  return { ...input, ref, foldable: 1 };
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
  const ref = use.plain('reshape', [use.context.orders.natural(input)], { shape: ['N', ...extents] });
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

/** The inputs in one order: that of the first that is not Keras's own. */
function together(use: Use): { refs: string[]; order: readonly number[] } {
  const { inputs } = use;
  if (inputs.length < 2) throw new Refusal('it has fewer than two inputs');
  const rank = inputs[0]!.shape.length;
  if (inputs.some(({ shape }) => shape.length !== rank)) throw new Refusal('its inputs differ in their number of axes');
  const order = inputs.find((input) => !sameOrder(input.order, identity(rank)))?.order ?? identity(rank);
  return { refs: inputs.map((input) => use.context.orders.inOrder(input, order)), order };
}

export function merge(use: Use, type: string): Value {
  const { refs, order } = together(use);
  const shape = use.inputs[0]!.shape.map((_, axis) => Math.max(...use.inputs.map((input) => input.shape[axis]!)));
  return { ref: use.plain(type, refs), shape, order, foldable: 1 };
}

export function concatenate(use: Use): Value {
  const { refs, order } = together(use);
  const rank = order.length;
  const given = use.config.integers('axis')?.[0] ?? -1;
  const keras = given < 0 ? given + rank : given;
  const axis = order.indexOf(keras);
  if (axis < 1) throw new Refusal(`its axis ${given} is not one of its inputs`);
  const shape = [...use.inputs[0]!.shape];
  shape[keras] = use.inputs.reduce((sum, input) => sum + input.shape[keras]!, 0);
  return { ref: use.plain('concat', refs, axis === 1 ? {} : { axis }), shape, order };
}

export function embedding(use: Use): Value {
  const vocabulary = use.config.size('input_dim');
  const units = use.config.size('output_dim');
  if (use.config.flag('mask_zero', false)) throw new Refusal('its `mask_zero` is not read yet');
  use.config.ignore('dropout');
  const rule = { param: 'weight', prefix: 'embeddings', usual: '', rank: 2 };
  const ref = use.weighted('embedding', [indices(use)], { vocabulary, units }, [rule], () => ({
    weight: use.take([vocabulary, units], 'weight'),
  }));
  const shape = [...use.input.shape, units];
  return { ref, shape, order: identity(shape.length) };
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
    .filter((axis) => !shared.includes(axis));
  const element = own.length === rank - 1;
  if (!element && own.length !== 1) throw new Refusal('its slopes are shared along some axes of several');
  const value = element ? { ...input, ref: use.context.orders.natural(input), order: identity(rank) } : input;
  const axis = element ? -1 : value.order.indexOf(own[0]!);
  const fields: Fields = element && rank > 2 ? { slopes: 'element' } : axis > 1 ? { axis } : {};
  use.config.ignore('alpha_initializer');
  const extents = identity(rank)
    .slice(1)
    .map((at) => (shared.includes(at) ? 1 : input.shape[at]!));
  const rule = { param: 'slope', prefix: 'alpha', usual: 'zeros', rank: 1 };
  const ref = use.weighted('prelu', [value.ref], fields, [rule], () => {
    const taken = use.take(extents, 'slope');
    return { slope: element && rank > 2 ? taken : reshaped(taken, [taken.data.length]) };
  });
  const { shape, order, mask } = value;
  return { ref, shape, order, ...(mask === undefined ? {} : { mask }) };
}
