/** Convolutions and poolings of Keras, with the channels last; padding by numbers becomes a layer in front. */
import type { Json } from '../../../../frontend/spec';
import { channelsFirst } from '../../../formats/keras/axes';
import { reshape, transpose, type Numbers } from '../../../formats/keras/tensors';
import type { KerasTensor } from '../net';
import type { Use } from '../use';
import type { Value } from '../value';

type Axes = 1 | 2 | 3;

interface Window {
  readonly kernel: number[];
  readonly stride: number[];
  readonly dilation: number[];
  readonly order: number[];
  readonly source: KerasTensor;
  readonly padding: 'same' | 'valid' | 'causal';
}

/** `pads`: before and after each spatial axis. */
function padded(use: Use, source: KerasTensor, pads: readonly (readonly [number, number])[]): KerasTensor {
  if (pads.every(([a, b]) => a === 0 && b === 0)) return source;
  const axes = pads.length;
  const shape = source.shape.map((extent, axis) => {
    const pair = pads[axis - 1];
    return pair === undefined || axis === 0 || axis > axes ? extent : extent + pair[0] + pair[1];
  });
  const padding: Json = axes === 1 ? [...pads[0]!] : pads.map((pair) => [...pair]);
  return use.add(`ZeroPadding${axes}D`, { padding, data_format: 'channels_last' }, [source], shape, '_pad');
}

function padsOf(use: Use, axes: number): [number, number][] {
  const value = use.fields.padding ?? 0;
  if (typeof value === 'number') return Array.from({ length: axes }, () => [value, value]);
  const list = value as readonly Json[];
  if (axes === 1 && list.length === 2 && list.every((item) => typeof item === 'number'))
    return [[Number(list[0]), Number(list[1])]];
  return list.map((item) => (Array.isArray(item) ? [Number(item[0]), Number(item[1])] : [Number(item), Number(item)]));
}

/** `zeros`: padding may be a layer of zeros in front; `same`: Keras's own padding means what ours does. */
function windowOf(use: Use, axes: Axes, usual: readonly number[] | undefined, zeros: boolean, same = true): Window {
  const order = channelsFirst(axes + 2);
  const kernel = use.list('kernel', axes);
  const stride = use.list('stride', axes, usual ?? kernel.map(() => 1));
  const dilation = use.list(
    'dilation',
    axes,
    kernel.map(() => 1),
  );
  const source = use.inOrder(use.input, order);
  const word = use.word('padding');
  if (word === 'same' || word === 'valid' || word === 'causal')
    return { kernel, stride, dilation, order, source, padding: word };
  const pads = padsOf(use, axes);
  const reach = kernel.map((extent, axis) => dilation[axis]! * (extent - 1) + 1);
  const none = pads.every(([a, b]) => a === 0 && b === 0);
  // What the windows that count reach beyond the end, where they were rounded up.
  const all = pads.map(([before], axis): [number, number] => {
    const out = use.shape[axis + 2]!;
    const needed = (out - 1) * stride[axis]! + reach[axis]! - source.shape[axis + 1]! - before;
    // What stays beyond the last window says nothing.
    return [before, Math.max(needed, 0)];
  });
  if (none && all.every(([, after]) => after === 0))
    return { kernel, stride, dilation, order, source, padding: 'valid' };
  // TensorFlow's `same` puts what it needs on both sides, the odd one at the end.
  const even = all.every(([before, after], axis) => {
    const [n, step, out] = [source.shape[axis + 1]!, stride[axis]!, use.shape[axis + 2]!];
    const total = Math.max((out - 1) * step + reach[axis]! - n, 0);
    return out === Math.ceil(n / step) && before === Math.floor(total / 2) && after === total - before;
  });
  if (even && (same || none)) return { kernel, stride, dilation, order, source, padding: 'same' };
  if (!zeros) use.fail('has padding on both sides that is no number; Keras pads with zeros');
  return { kernel, stride, dilation, order, source: padded(use, source, all), padding: 'valid' };
}

const settings = (window: Window): Record<string, Json> => ({
  strides: window.stride,
  padding: window.padding,
  data_format: 'channels_last',
});

const same = (list: readonly number[]): Json => (list.length === 1 ? list[0]! : [...list]);

/** [filters, inputs, kernel] as Keras keeps it: [kernel, inputs, filters]. */
const kernelOf = (weight: Numbers): Numbers =>
  transpose(weight, [...weight.shape.map((_, axis) => axis).slice(2), 1, 0]);

export function convolution(use: Use, axes: Axes): Value {
  use.without('normalize_weight');
  if ((use.word('padding_mode') ?? 'zeros') !== 'zeros') use.fail('has a `padding_mode` that Keras has not');
  const window = windowOf(use, axes, undefined, true);
  const bias = use.fields.bias !== false;
  const config = {
    ...settings(window),
    filters: use.number('filters'),
    kernel_size: window.kernel,
    dilation_rate: window.dilation,
    groups: use.number('groups'),
    use_bias: bias,
  };
  const tensor = use.weighted(`Conv${axes}D`, config, [window.source], use.held(window.order), () => ({
    '': [kernelOf(use.weight('weight')), ...(bias ? [use.weight('bias')] : [])],
  }));
  return { tensor, order: window.order };
}

export function depthwise(use: Use, axes: Axes): Value {
  use.without('normalize_weight');
  if ((use.word('padding_mode') ?? 'zeros') !== 'zeros') use.fail('has a `padding_mode` that Keras has not');
  const window = windowOf(use, axes, undefined, true);
  const separable = use.layer.type.startsWith('separable');
  const bias = use.fields.bias !== false;
  const multiplier = use.number('multiplier');
  const config = {
    ...settings(window),
    ...(separable ? { filters: use.number('filters') } : {}),
    kernel_size: window.kernel,
    depth_multiplier: multiplier,
    dilation_rate: window.dilation,
    use_bias: bias,
  };
  const type = `${separable ? 'Separable' : 'Depthwise'}Conv${axes}D`;
  const tensor = use.weighted(type, config, [window.source], use.held(window.order), () => {
    const weight = use.weight(separable ? 'depthwise_weight' : 'weight');
    const parts = reshape(weight, [weight.shape[0]! / multiplier, multiplier, ...window.kernel]);
    const turned = transpose(parts, [...window.kernel.map((_, axis) => axis + 2), 0, 1]);
    const pointwise = separable ? [kernelOf(use.weight('pointwise_weight'))] : [];
    return { '': [turned, ...pointwise, ...(bias ? [use.weight('bias')] : [])] };
  });
  return { tensor, order: window.order };
}

export function transposed(use: Use, axes: Axes): Value {
  use.without('normalize_weight');
  if (use.number('groups') !== 1) use.fail('has `groups`, for which Keras has no setting');
  const order = channelsFirst(axes + 2);
  const kernel = use.list('kernel', axes);
  const stride = use.list(
    'stride',
    axes,
    kernel.map(() => 1),
  );
  const dilation = use.list(
    'dilation',
    axes,
    kernel.map(() => 1),
  );
  const more = use.list(
    'output_padding',
    axes,
    kernel.map(() => 0),
  );
  const source = use.inOrder(use.input, order);
  const bias = use.fields.bias !== false;
  const word = use.word('padding');
  const pads = word === undefined ? padsOf(use, axes) : kernel.map((): [number, number] => [0, 0]);
  if (word === 'same' && more.some((extent) => extent !== 0)) use.fail('has `output_padding` beside `padding: same`');
  const config = {
    filters: use.number('filters'),
    kernel_size: kernel,
    strides: stride,
    padding: word === 'same' ? 'same' : 'valid',
    data_format: 'channels_last',
    dilation_rate: dilation,
    ...(word === 'same' ? {} : { output_padding: more }),
    use_bias: bias,
  };
  const shape = use.held(order);
  const whole = shape.map((extent, axis) => {
    const pair = axis === 0 ? undefined : pads[axis - 1];
    return pair === undefined ? extent : extent + pair[0] + pair[1];
  });
  const tensor = use.weighted(`Conv${axes}DTranspose`, config, [source], whole, () => ({
    '': [kernelOf(use.weight('weight')), ...(bias ? [use.weight('bias')] : [])],
  }));
  if (pads.every(([a, b]) => a === 0 && b === 0)) return { tensor, order };
  const cropping: Json = axes === 1 ? [...pads[0]!] : pads.map((pair) => [...pair]);
  const cut = use.add(`Cropping${axes}D`, { cropping, data_format: 'channels_last' }, [tensor], shape, '_cut');
  return { tensor: cut, order };
}

export function pooling(use: Use, axes: Axes, kind: 'Max' | 'Average'): Value {
  use.without('divisor');
  const average = kind === 'Average';
  const counts = average && use.fields.count_include_pad !== false;
  const window = windowOf(use, axes, use.list('kernel', axes), average ? counts : use.input.positive === true, !counts);
  // What hangs over the end counts neither here nor in Keras's `same`.
  const said = use.word('padding') === 'same';
  if (counts && said && !whole(use, window)) use.fail('counts padding in its means; Keras does not');
  const over = window.padding !== 'same' && use.fields.ceil_mode === true && !whole(use, window);
  if (counts && over) use.fail('rounds up the number of its windows');
  const config = { ...settings(window), pool_size: window.kernel };
  const tensor = use.add(`${kind}Pooling${axes}D`, config, [window.source], use.held(window.order));
  return { tensor, order: window.order, ...(use.input.positive === true ? { positive: true } : {}) };
}

/** Whether the windows cover the input without padding. */
function whole(use: Use, { kernel, stride }: Window): boolean {
  return kernel.every((extent, axis) => {
    const [input, output] = [use.input.tensor.shape[use.input.order[axis + 2]!]!, use.shape[axis + 2]!];
    return (output - 1) * stride[axis]! + extent <= input;
  });
}

export function globalPooling(use: Use, axes: Axes, kind: 'Max' | 'Average'): Value {
  const order = channelsFirst(axes + 2);
  const source = use.inOrder(use.input, order);
  const keepdims = use.fields.keepdims === true;
  const config = { data_format: 'channels_last', keepdims };
  const after = keepdims ? order : [0, 1];
  const tensor = use.add(`Global${kind}Pooling${axes}D`, config, [source], use.held(after));
  return { tensor, order: after, ...(use.input.positive === true ? { positive: true } : {}) };
}

export function upSampling(use: Use, axes: Axes): Value {
  const method = use.word('method') ?? 'nearest';
  const linear = method === 'linear' || method === 'bilinear';
  if (!(method === 'nearest' || (linear && axes === 2)) || (use.word('corners') ?? 'half_pixel') !== 'half_pixel')
    use.fail('interpolates otherwise than Keras does');
  const order = channelsFirst(axes + 2);
  const config = {
    size: same(use.list('scale', axes)),
    ...(axes === 1 ? {} : { data_format: 'channels_last' }),
    ...(axes === 2 ? { interpolation: linear ? 'bilinear' : 'nearest' } : {}),
  };
  const tensor = use.add(`UpSampling${axes}D`, config, [use.inOrder(use.input, order)], use.held(order));
  return { tensor, order };
}

/** `pad` and the crops: a number of elements at each side of the spatial axes. */
export function border(use: Use, kind: 'pad' | 'crop'): Value {
  const axes = use.shape.length - 2;
  if (axes < 1 || axes > 3) use.fail('has no spatial axes');
  use.without('axes', 'value');
  if ((use.word('mode') ?? 'constant') !== 'constant') use.fail('has a `mode` that Keras has not');
  const order = channelsFirst(axes + 2);
  const source = use.inOrder(use.input, order);
  if (kind === 'crop') return { tensor: cropped(use, source, order, pairsOf(use, axes)), order };
  return { tensor: padded(use, source, padsOf(use, axes)), order };
}

function pairsOf(use: Use, axes: number): [number, number][] {
  const value = use.fields.cropping ?? 0;
  if (typeof value === 'number') return Array.from({ length: axes }, () => [value, value]);
  const list = value as readonly Json[];
  if (axes === 1) return [[Number(list[0]), Number(list[1])]];
  return list.map((item) => (Array.isArray(item) ? [Number(item[0]), Number(item[1])] : [Number(item), Number(item)]));
}

export function cropped(
  use: Use,
  source: KerasTensor,
  order: readonly number[],
  pairs: readonly (readonly [number, number])[],
): KerasTensor {
  if (pairs.every(([a, b]) => a === 0 && b === 0)) return source;
  const axes = pairs.length;
  const cropping: Json = axes === 1 ? [...pairs[0]!] : pairs.map((pair) => [...pair]);
  return use.add(`Cropping${axes}D`, { cropping, data_format: 'channels_last' }, [source], use.held(order));
}

/** To the extents of a second input, from an offset on. */
export function cropLike(use: Use): Value {
  const axes = use.shape.length - 2;
  if (use.number('axis') !== 2 || axes < 1 || axes > 3) use.fail('cuts other axes than the spatial ones');
  const order = channelsFirst(axes + 2);
  const offset = use.list('offset', axes);
  const source = use.inOrder(use.input, order);
  const pairs = offset.map((begin, i): [number, number] => [begin, source.shape[i + 1]! - begin - use.shape[i + 2]!]);
  return { tensor: cropped(use, source, order, pairs), order };
}

/** The middle of images: what crops by chance do in prediction. */
export function centerCrop(use: Use): Value {
  const order = channelsFirst(4);
  const source = use.inOrder(use.input, order);
  const [height, width] = [use.shape[2]!, use.shape[3]!];
  if (source.shape[1] === height && source.shape[2] === width) return { tensor: source, order };
  return {
    tensor: use.add('CenterCrop', { height, width, data_format: 'channels_last' }, [source], use.held(order)),
    order,
  };
}
