/** Convolutions, poolings, enlargements and borders of sequences, images and volumes. */
import type { Fields, Json } from '../../../../frontend/spec';
import type { ParameterRule } from '../settings';
import { flip, transpose, type Numbers } from '../tensors';
import { Refusal, type Use } from '../use';
import type { Value } from '../value';

/** One number where all are the same. */
export const short = (list: readonly number[]): Json => (list.every((item) => item === list[0]) ? list[0]! : [...list]);

const rule = (param: string, prefix: string, usual: Json, rank: number): ParameterRule => ({
  param,
  prefix,
  usual,
  rank,
});
export const KERNEL = (rank: number): ParameterRule => rule('weight', 'kernel', 'glorot_uniform', rank);
export const BIAS: ParameterRule = rule('bias', 'bias', 'zeros', 1);

interface Window {
  readonly fields: Fields;
  extent(n: number, axis: number): number;
}

/** Kernel, stride, padding and dilation, ours where they differ from the defaults. */
function windowOf(use: Use, axes: number, kernel: readonly number[], usualStride?: readonly number[]): Window {
  const stride = use.config.has('strides')
    ? use.config.ints('strides', axes, 1, 1)
    : (usualStride ?? kernel.map(() => 1));
  const dilation = use.config.ints('dilation_rate', axes, 1, 1);
  const padding = use.config.text('padding', 'valid');
  if (!['valid', 'same', 'causal'].includes(padding)) throw new Refusal(`the padding \`${padding}\` is not known`);
  const usual = usualStride ?? kernel.map(() => 1);
  const fields: Record<string, Json> = { kernel: short(kernel) };
  if (stride.some((step, i) => step !== usual[i])) fields.stride = short(stride);
  if (padding !== 'valid') fields.padding = padding;
  if (dilation.some((step) => step !== 1)) fields.dilation = short(dilation);
  return {
    fields,
    extent(n, axis) {
      const step = stride[axis]!;
      const reach = dilation[axis]! * (kernel[axis]! - 1) + 1;
      return padding === 'valid' ? Math.floor((n - reach) / step) + 1 : Math.ceil(n / step);
    },
  };
}

/** Extents in our order, and the value that a result in our order is. */
export function held(use: Use, order: readonly number[]): number[] {
  return order.map((axis) => use.input.shape[axis]!);
}

export function from(ref: string, order: readonly number[], extents: readonly number[], foldable = false): Value {
  if (extents.slice(1).some((extent) => !(extent >= 1))) throw new Refusal('its output would be empty');
  const shape = new Array<number>(extents.length).fill(0);
  order.forEach((axis, i) => (shape[axis] = extents[i]!));
  return { ref, shape, order, ...(foldable ? { foldable: 1 } : {}) };
}

export function convolution(use: Use, axes: 1 | 2 | 3): Value {
  const rank = use.rank(axes + 2);
  const order = use.imageOrder(rank);
  const [n, channels, ...spatial] = held(use, order) as [number, number, ...number[]];
  const filters = use.config.size('filters');
  const kernel = use.config.ints('kernel_size', axes, 1, 1);
  const groups = use.config.int('groups', 1, 1);
  const bias = use.config.flag('use_bias', true);
  const window = windowOf(use, axes, kernel);
  const fields = { filters, ...window.fields, ...(groups === 1 ? {} : { groups }), ...(bias ? {} : { bias: false }) };
  const rules = [KERNEL(rank), ...(bias ? [BIAS] : [])];
  const found = use.activation();
  const ref = use.weighted(`conv${axes}d`, [use.context.orders.inOrder(use.input, order)], fields, rules, () => {
    const keras = [...kernel, channels / groups, filters];
    const ahead = use.ahead();
    const why = 'transposed to [filters, inputs, kernel]';
    let numbers;
    if (use.version < 2 && axes === 1) {
      const whole = use.take([kernel[0]!, 1, channels, filters], 'weight', why);
      numbers = { shape: keras, data: whole.data };
    } else if (use.version < 2 && axes === 2 && !use.channelsLast()) {
      numbers = transpose(use.take([filters, channels, ...kernel], 'weight'), [2, 3, 1, 0]);
    } else {
      numbers = use.take(ahead === undefined ? undefined : keras, 'weight', why);
    }
    if (use.context.flipped)
      numbers = flip(
        numbers,
        kernel.map((_, i) => i),
      );
    const weight = transpose(numbers, [axes + 1, axes, ...kernel.map((_, i) => i)]);
    return { weight, ...(bias ? { bias: use.take([filters], 'bias') } : {}) };
  });
  const value = from(ref, order, [n, filters, ...spatial.map((extent, i) => window.extent(extent, i))], true);
  return { ...value, ref: use.activated(ref, order, found) };
}

export function separable(use: Use): Value {
  const rank = use.rank(4);
  const order = use.imageOrder(rank);
  const [n, channels, ...spatial] = held(use, order) as [number, number, ...number[]];
  const depthwise = use.layer.type === 'DepthwiseConv2D';
  const multiplier = use.config.int('depth_multiplier', 1, 1);
  const filters = depthwise ? channels * multiplier : use.config.size('filters');
  const kernel = use.config.ints('kernel_size', 2, 1, 1);
  const bias = use.config.flag('use_bias', true);
  const window = windowOf(use, 2, kernel);
  const fields = {
    ...(depthwise ? {} : { filters }),
    ...window.fields,
    ...(multiplier === 1 ? {} : { multiplier }),
    ...(bias ? {} : { bias: false }),
  };
  const first = depthwise ? 'weight' : 'depthwise_weight';
  const rules = [
    rule(first, 'depthwise', 'glorot_uniform', 4),
    ...(depthwise ? [] : [rule('pointwise_weight', 'pointwise', 'glorot_uniform', 4)]),
    ...(bias ? [BIAS] : []),
  ];
  use.config.ignore('filters', 'groups', 'kernel_initializer', 'kernel_regularizer', 'kernel_constraint');
  const found = use.activation();
  const type = depthwise ? 'depthwise_conv2d' : 'separable_conv2d';
  const ref = use.weighted(type, [use.context.orders.inOrder(use.input, order)], fields, rules, () => {
    const taken = use.take(
      [...kernel, channels, multiplier],
      first,
      'transposed to [channels · multiplier, 1, kernel]',
    );
    const turned = transpose(taken, [2, 3, 0, 1]);
    const depth = { shape: [channels * multiplier, 1, ...kernel], data: turned.data };
    const mixture = (): Record<string, Numbers> => ({
      pointwise_weight: transpose(
        use.take([1, 1, channels * multiplier, filters], 'pointwise_weight', 'transposed'),
        [3, 2, 0, 1],
      ),
    });
    return { [first]: depth, ...(depthwise ? {} : mixture()), ...(bias ? { bias: use.take([filters], 'bias') } : {}) };
  });
  const value = from(ref, order, [n, filters, ...spatial.map((extent, i) => window.extent(extent, i))], true);
  return { ...value, ref: use.activated(ref, order, found) };
}

export function pooling(use: Use, axes: 1 | 2 | 3, kind: 'max' | 'avg'): Value {
  const rank = use.rank(axes + 2);
  const order = use.imageOrder(rank);
  const [n, channels, ...spatial] = held(use, order) as [number, number, ...number[]];
  const kernel = use.config.ints('pool_size', axes, 2, 1);
  const window = windowOf(use, axes, kernel, kernel);
  const counted = kind === 'avg' && window.fields.padding === 'same' ? { count_include_pad: false } : {};
  const input = use.context.orders.inOrder(use.input, order);
  const ref = use.plain(`${kind}_pool${axes}d`, [input], { ...window.fields, ...counted });
  return from(ref, order, [n, channels, ...spatial.map((extent, i) => window.extent(extent, i))]);
}

export function globalPooling(use: Use, axes: 1 | 2 | 3, kind: 'max' | 'avg'): Value {
  const rank = use.rank(axes + 2);
  if (use.input.mask !== undefined) throw new Refusal('it takes a mask: a mean over the steps that are no padding');
  const order = use.imageOrder(rank);
  const [n, channels, ...spatial] = held(use, order) as [number, number, ...number[]];
  const keep = use.config.flag('keepdims', false);
  const input = use.context.orders.inOrder(use.input, order);
  const ref = use.plain(`global_${kind}_pool${axes}d`, [input], keep ? { keepdims: true } : {});
  return keep ? from(ref, order, [n, channels, ...spatial.map(() => 1)]) : from(ref, [0, 1], [n, channels]);
}

export function upSampling(use: Use, axes: 1 | 2 | 3): Value {
  const rank = use.rank(axes + 2);
  const order = use.imageOrder(rank);
  const [n, channels, ...spatial] = held(use, order) as [number, number, ...number[]];
  const scale = use.config.ints('size', axes, 2, 1);
  const method = use.config.text('interpolation', 'nearest');
  if (!['nearest', 'bilinear'].includes(method)) throw new Refusal(`the interpolation \`${method}\` is not read`);
  const fields = { scale: short(scale), ...(method === 'nearest' ? {} : { method }) };
  const ref = use.plain(`upsample${axes}d`, [use.context.orders.inOrder(use.input, order)], fields);
  return from(ref, order, [n, channels, ...spatial.map((extent, i) => extent * scale[i]!)]);
}

/** Cropping and ZeroPadding: one number, one for each axis, or a pair for each. */
export function border(use: Use, axes: 1 | 2 | 3, kind: 'crop' | 'pad'): Value {
  const rank = use.rank(axes + 2);
  const order = use.imageOrder(rank);
  const [n, channels, ...spatial] = held(use, order) as [number, number, ...number[]];
  const key = kind === 'crop' ? 'cropping' : 'padding';
  const given = use.config.value(key) ?? 1;
  const list = Array.isArray(given) ? (given as readonly Json[]) : new Array<Json>(axes).fill(given);
  const whole = axes === 1 && list.length === 2 ? [list] : list;
  const pairs = whole.map((item) => (Array.isArray(item) ? (item as number[]) : [item as number, item as number]));
  const good = (pair: readonly number[]): boolean =>
    pair.length === 2 && pair.every((x) => Number.isSafeInteger(x) && x >= 0);
  if (pairs.length !== axes || !pairs.every(good)) throw new Refusal(`\`${key}\` is not ${axes} pairs of numbers`);
  const even = pairs.every(([a, b]) => a === b && a === pairs[0]![0]);
  const amount: Json = even ? pairs[0]![0]! : axes === 1 ? pairs[0]! : pairs;
  const fields: Fields =
    kind === 'crop' ? { cropping: amount } : { padding: axes === 1 && !even ? [pairs[0]!] : amount };
  const type = kind === 'crop' ? `crop${axes}d` : 'pad';
  const ref = use.plain(type, [use.context.orders.inOrder(use.input, order)], fields);
  const sign = kind === 'crop' ? -1 : 1;
  return from(ref, order, [
    n,
    channels,
    ...spatial.map((extent, i) => extent + sign * (pairs[i]![0]! + pairs[i]![1]!)),
  ]);
}
