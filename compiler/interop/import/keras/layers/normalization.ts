/** Normalizations: by batch, by token, by group, and those of the inputs of a model. */
import type { Fields } from '../../../../frontend/spec';
import { single } from '../activations';
import { pickRows, reshape, type Numbers } from '../../../formats/keras/tensors';
import { Refusal, type Use } from '../use';
import { featureRows, identity } from '../../../formats/keras/axes';
import type { Value } from '../value';

/** The axis that a setting names, counted from the front. */
export function axisOf(use: Use, key: string, fallback: number): number {
  const rank = use.input.shape.length;
  const given = use.config.integers(key)?.[0] ?? fallback;
  const axis = given < 0 ? given + rank : given;
  if (axis < 1 || axis >= rank) throw new Refusal(`its axis ${given} is not one of its input`);
  return axis;
}

export function batchNorm(use: Use): Value {
  const { input } = use;
  const keras = axisOf(use, 'axis', -1);
  const axis = input.order.indexOf(keras);
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
  if (use.config.flag('renorm', false)) use.lost('renorm', 'training corrects nothing by running statistics here');
  use.config.ignore('mode', 'renorm', 'renorm_momentum', 'virtual_batch_size', 'fused', 'gamma_init', 'beta_init');
  for (const key of ['gamma', 'beta', 'moving_mean', 'moving_variance']) use.config.ignore(`${key}_initializer`);
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

/** LayerNormalization and RMSNormalization, in Keras's order of axes. */
export function layerNorm(use: Use): Value {
  const { input } = use;
  const rank = input.shape.length;
  const rms = use.layer.type === 'RMSNormalization' || use.config.flag('rms_scaling', false);
  const given = use.config.integers('axis') ?? [-1];
  const axes = given.map((axis) => (axis < 0 ? axis + rank : axis));
  if (axes.some((axis) => axis < 1 || axis >= rank)) throw new Refusal('its axes are not those of its input');
  const scale = rms || use.config.flag('scale', true);
  const center = !rms && use.config.flag('center', true);
  const usual = rms ? 1e-6 : 1e-5;
  const epsilon = single(use.config.number('epsilon', rms ? 1e-6 : 1e-3));
  const last = axes.length === 1 && axes[0] === rank - 1;
  const fields: Fields = {
    ...(last ? {} : { axis: axes.length === 1 ? axes[0]! : axes }),
    ...(epsilon === usual ? {} : { epsilon }),
    ...(scale ? {} : { scale: false }),
    ...(center || rms ? {} : { center: false }),
  };
  for (const key of ['gamma_initializer', 'beta_initializer', 'scale', 'center']) use.config.ignore(key);
  const extents = axes.map((axis) => input.shape[axis]!);
  const source = use.context.orders.natural(input);
  const ref = use.weighted(rms ? 'rms_norm' : 'layer_norm', [source], fields, [], () => ({
    ...(scale ? { gamma: use.take(extents, 'gamma') } : {}),
    ...(center ? { beta: use.take(extents, 'beta') } : {}),
  }));
  return { ref, shape: input.shape, order: identity(rank), foldable: 1 };
}

export function groupNorm(use: Use): Value {
  const { input } = use;
  const rank = input.shape.length;
  const keras = axisOf(use, 'axis', -1);
  const channels = input.shape[keras]!;
  const asked = use.config.integers('groups')?.[0] ?? 32;
  const groups = asked === -1 ? channels : asked;
  const scale = use.config.flag('scale', true);
  const center = use.config.flag('center', true);
  const epsilon = single(use.config.number('epsilon', 1e-3));
  const order = [0, keras, ...identity(rank).filter((axis) => axis !== 0 && axis !== keras)];
  const fields: Fields = {
    ...(groups === 32 ? {} : { groups }),
    ...(epsilon === 1e-5 ? {} : { epsilon }),
    ...(scale ? {} : { scale: false }),
    ...(center ? {} : { center: false }),
  };
  use.config.ignore('gamma_initializer', 'beta_initializer');
  const ref = use.weighted('group_norm', [use.context.orders.inOrder(input, order)], fields, [], () => ({
    ...(scale ? { gamma: use.take([channels], 'gamma') } : {}),
    ...(center ? { beta: use.take([channels], 'beta') } : {}),
  }));
  return { ref, shape: input.shape, order, foldable: 1 };
}

export function unitNorm(use: Use): Value {
  const { input } = use;
  const axes = (use.config.integers('axis') ?? [-1]).map((axis) => {
    const at = input.order.indexOf(axis < 0 ? axis + input.shape.length : axis);
    if (at < 1) throw new Refusal(`its axis ${axis} is not one of its input`);
    return at;
  });
  const last = axes.length === 1 && axes[0] === input.shape.length - 1;
  const fields: Fields = { ...(last ? {} : { axis: axes.length === 1 ? axes[0]! : axes }) };
  return { ...input, ref: use.plain('unit_norm', [input.ref], fields) };
}

/** Normalization: a mean and a variance that are given, or that were gathered from the data. */
export function standardize(use: Use): Value {
  const { input } = use;
  const axes = use.config.integers('axis') ?? [-1];
  if (axes.length !== 1) throw new Refusal('statistics of several axes, or of none, are not read');
  const keras = axisOf(use, 'axis', -1);
  const axis = input.order.indexOf(keras);
  const channels = input.shape[keras]!;
  if (use.config.flag('invert', false)) throw new Refusal('its `invert` is not read');
  const given = (key: string): number | number[] | undefined => {
    const value = use.config.value(key);
    if (value === undefined || typeof value === 'number') return value;
    const flat = [value].flat(8);
    if (flat.every((item) => typeof item === 'number') && (flat.length === 1 || flat.length === channels)) return flat;
    throw new Refusal(`its \`${key}\` is not ${channels} numbers`);
  };
  const [mean, variance] = [given('mean'), given('variance')];
  use.config.ignore('input_mean', 'input_variance');
  const fixed = mean === undefined || variance === undefined ? {} : { mean, variance };
  const fields: Fields = { ...(axis === 1 ? {} : { axis }), ...fixed };
  if (mean !== undefined) {
    for (let left = use.left(); left > 0; left--) use.skip('the mean and the variance stand in the model file');
    return { ...input, ref: use.plain('standardize', [input.ref], fields) };
  }
  const flat = (name: string): Numbers => {
    const taken = use.take(undefined, name);
    if (taken.data.length !== channels) throw new Refusal(`its \`${name}\` is not ${channels} numbers`);
    return reshape(taken, [channels]);
  };
  const ref = use.weighted('standardize', [input.ref], fields, [], () => ({
    mean: flat('mean'),
    variance: flat('variance'),
    count: { shape: [1], data: Float32Array.of(use.take([], 'count').data[0] ?? 1) },
  }));
  return { ...input, ref };
}
