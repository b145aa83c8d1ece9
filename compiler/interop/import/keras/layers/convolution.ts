/** Convolutions: plain, transposed, by channels, separable, and with weights of their own for every place. */
import type { Json } from '../../../../frontend/spec';
import { elementCount } from '../../../../ir/types';
import type { ParameterRule } from '../settings';
import { flip, reshape, transpose, type Numbers } from '../../../formats/keras/tensors';
import { Refusal, type Use } from '../use';
import { identity } from '../../../formats/keras/axes';
import type { Value } from '../value';
import { from, held, short, windowOf } from './window';

const rule = (param: string, prefix: string, usual: Json, rank: number): ParameterRule => ({
  param,
  prefix,
  usual,
  rank,
});
export const KERNEL = (rank: number): ParameterRule => rule('weight', 'kernel', 'glorot_uniform', rank);
export const BIAS: ParameterRule = rule('bias', 'bias', 'zeros', 1);

interface Images {
  readonly order: readonly number[];
  readonly source: string;
  readonly channels: number;
  readonly spatial: readonly number[];
}

function imagesOf(use: Use, axes: number): Images {
  const order = use.imageOrder(use.rank(axes + 2));
  const [, channels, ...spatial] = held(use, order) as [number, number, ...number[]];
  return { order, source: use.context.orders.inOrder(use.input, order), channels, spatial };
}

/** The value behind a convolution, with its activation. */
function finished(use: Use, ref: string, { order }: Images, extents: readonly number[]): Value {
  const found = use.activation();
  return { ...from(ref, order, [0, ...extents], true), ref: use.activated(ref, order, found) };
}

/** The bias of a layer; without one its settings say nothing. */
function biasOf(use: Use): boolean {
  const bias = use.config.flag('use_bias', true);
  if (!bias) use.config.ignore('bias_initializer', 'bias_regularizer', 'bias_constraint');
  return bias;
}

export function convolution(use: Use, axes: 1 | 2 | 3): Value {
  const images = imagesOf(use, axes);
  const { source, channels, spatial } = images;
  const filters = use.config.size('filters');
  const groups = use.config.int('groups', 1, 1);
  const bias = biasOf(use);
  const window = windowOf(use.config, axes, use.config.ints('kernel_size', axes, 1, 1));
  const { kernel } = window;
  const fields = { filters, ...window.fields, ...(groups === 1 ? {} : { groups }), ...(bias ? {} : { bias: false }) };
  const rules = [KERNEL(axes + 2), ...(bias ? [BIAS] : [])];
  const places = kernel.map((_, axis) => axis);
  const ref = use.weighted(`conv${axes}d`, [source], fields, rules, () => {
    const whole = [...kernel, channels / groups, filters];
    const taken = takeKernel(use, axes, whole);
    const weight = transpose(use.context.flipped ? flip(taken, places) : taken, [axes + 1, axes, ...places]);
    return { weight, ...(bias ? { bias: use.take([filters], 'bias') } : {}) };
  });
  return finished(use, ref, images, [filters, ...spatial.map((extent, axis) => window.extent(extent, axis))]);
}

/** The kernel as Keras 2 keeps it, whichever version wrote it. */
function takeKernel(use: Use, axes: number, shape: readonly number[]): Numbers {
  const why = 'transposed to [filters, inputs, kernel]';
  if (use.version >= 2) return use.take(shape, 'weight', why);
  const [filters, channels, kernel] = [shape[axes + 1]!, shape[axes]!, shape.slice(0, axes)];
  if (axes === 1) return reshape(use.take([kernel[0]!, 1, channels, filters], 'weight', why), shape);
  if (use.channelsLast()) return use.take(shape, 'weight', why);
  return transpose(use.take([filters, channels, ...kernel], 'weight'), [...kernel.map((_, i) => i + 2), 1, 0]);
}

export function transposed(use: Use, axes: 1 | 2 | 3): Value {
  const images = imagesOf(use, axes);
  const { source, channels, spatial } = images;
  const filters = use.config.size('filters');
  const bias = biasOf(use);
  const window = windowOf(use.config, axes, use.config.ints('kernel_size', axes, 1, 1));
  const { kernel, stride, dilation, padding } = window;
  const more = use.config.has('output_padding') ? use.config.ints('output_padding', axes, 0) : undefined;
  if (padding === 'same' && more !== undefined)
    throw new Refusal('its `output_padding` with padding `same` is not read');
  const reach = kernel.map((extent, axis) => dilation[axis]! * (extent - 1) + 1);
  // What is missing to input · stride is added at the end, where the kernel is smaller than the stride.
  const added = more ?? reach.map((extent, axis) => (padding === 'same' ? 0 : Math.max(stride[axis]! - extent, 0)));
  if (added.some((extent, axis) => extent >= stride[axis]! && extent > 0))
    throw new Refusal('its `output_padding` is not below its stride');
  const extents = spatial.map((extent, axis) =>
    padding === 'same' ? extent * stride[axis]! : (extent - 1) * stride[axis]! + reach[axis]! + added[axis]!,
  );
  const fields = {
    filters,
    ...window.fields,
    ...(added.every((extent) => extent === 0) ? {} : { output_padding: short(added) }),
    ...(bias ? {} : { bias: false }),
  };
  const rules = [KERNEL(axes + 2), ...(bias ? [BIAS] : [])];
  const places = kernel.map((_, axis) => axis);
  const ref = use.weighted(`conv_transpose${axes}d`, [source], fields, rules, () => {
    const taken = use.take([...kernel, filters, channels], 'weight', 'transposed to [inputs, filters, kernel]');
    const weight = transpose(taken, [axes + 1, axes, ...places]);
    return { weight, ...(bias ? { bias: use.take([filters], 'bias') } : {}) };
  });
  return finished(use, ref, images, [filters, ...extents]);
}

export function separable(use: Use, axes: 1 | 2 | 3): Value {
  const images = imagesOf(use, axes);
  const { source, channels, spatial } = images;
  const depthwise = use.layer.type.startsWith('Depthwise');
  const multiplier = use.config.int('depth_multiplier', 1, 1);
  const filters = depthwise ? channels * multiplier : use.config.size('filters');
  const bias = biasOf(use);
  const window = windowOf(use.config, axes, use.config.ints('kernel_size', axes, 1, 1));
  const { kernel } = window;
  const fields = {
    ...(depthwise ? {} : { filters }),
    ...window.fields,
    ...(multiplier === 1 ? {} : { multiplier }),
    ...(bias ? {} : { bias: false }),
  };
  const first = depthwise ? 'weight' : 'depthwise_weight';
  const rules = [
    rule(first, 'depthwise', 'glorot_uniform', axes + 2),
    ...(depthwise ? [] : [rule('pointwise_weight', 'pointwise', 'glorot_uniform', axes + 2)]),
    ...(bias ? [BIAS] : []),
  ];
  use.config.ignore('filters', 'groups', 'kernel_initializer', 'kernel_regularizer', 'kernel_constraint');
  const ones = kernel.map(() => 1);
  const places = kernel.map((_, axis) => axis);
  const ref = use.weighted(`${depthwise ? 'depthwise' : 'separable'}_conv${axes}d`, [source], fields, rules, () => {
    const why = 'transposed to [channels · multiplier, 1, kernel]';
    const taken = use.take([...kernel, channels, multiplier], first, why);
    const turned = transpose(use.context.flipped ? flip(taken, places) : taken, [axes, axes + 1, ...places]);
    const stored: Record<string, Numbers> = { [first]: reshape(turned, [channels * multiplier, 1, ...kernel]) };
    if (!depthwise) {
      const mixed = use.take([...ones, channels * multiplier, filters], 'pointwise_weight', 'transposed');
      stored.pointwise_weight = transpose(mixed, [axes + 1, axes, ...places]);
    }
    if (bias) stored.bias = use.take([filters], 'bias');
    return stored;
  });
  return finished(use, ref, images, [filters, ...spatial.map((extent, axis) => window.extent(extent, axis))]);
}

/** LocallyConnected of Keras 2: a kernel [places, window · channels, filters], the window's channels innermost. */
export function locallyConnected(use: Use, axes: 1 | 2): Value {
  const images = imagesOf(use, axes);
  const { source, channels, spatial, order } = images;
  if (use.config.int('implementation', 1) !== 1)
    throw new Refusal('its weights are stored for another `implementation` than 1, which is not read');
  const filters = use.config.size('filters');
  const bias = biasOf(use);
  const window = windowOf(use.config, axes, use.config.ints('kernel_size', axes, 1, 1));
  const { kernel } = window;
  const extents = spatial.map((extent, axis) => window.extent(extent, axis));
  const fields = { filters, ...window.fields, ...(bias ? {} : { bias: false }) };
  const rules = [KERNEL(3), ...(bias ? [rule('bias', 'bias', 'zeros', axes + 1)] : [])];
  const [outer, inner] = [identity(axes), identity(axes).map((axis) => axis + axes)];
  const ref = use.weighted(`locally_connected${axes}d`, [source], fields, rules, () => {
    const flat = [elementCount(extents), elementCount(kernel) * channels, filters];
    const taken = use.take(flat, 'weight', 'transposed to [places, filters, inputs, kernel]');
    const parts = reshape(taken, [...extents, ...kernel, channels, filters]);
    const weight = transpose(parts, [...outer, 2 * axes + 1, 2 * axes, ...inner]);
    if (!bias) return { weight };
    const last = order[1] !== 1;
    const stored = use.take(last ? [...extents, filters] : [filters, ...extents], 'bias');
    return { weight, bias: last ? transpose(stored, [axes, ...outer]) : stored };
  });
  return finished(use, ref, images, [filters, ...extents]);
}
