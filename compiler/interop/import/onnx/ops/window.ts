/** Convolutions and poolings: their windows, and the padding around the images. */
import type { Fields, Json } from '../../../../frontend/spec';
import { ELEM, isFloatElem } from '../../../formats/onnx/types';
import { differing, fixed } from '../emitter';
import { refuse, type Handler, type Handlers, type Node } from '../node';
import { count, type Value } from '../value';

type Sides = readonly [number, number];

interface Window {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly sides: readonly Sides[];
  readonly same: boolean;
}

/** One number where all are alike. */
function each(numbers: readonly number[]): Json {
  return numbers.every((number) => number === numbers[0]) ? numbers[0]! : [...numbers];
}

function paddingOf(sides: readonly Sides[]): Json {
  const even = sides.every(([low, high]) => low === high);
  if (even) return each(sides.map(([low]) => low));
  return sides.length === 1 ? [...sides[0]!] : sides.map((side) => [...side]);
}

/** Windows over the axes behind the channels; `extents` are those of the image. */
function windowOf(node: Node, extents: readonly number[], kernel: readonly number[]): Window {
  const rank = extents.length;
  const ones = Array<number>(rank).fill(1);
  const stride = behind(node.ints('strides') ?? ones, rank, 1);
  const dilation = behind(node.ints('dilations') ?? ones, rank, 1);
  const auto = node.text('auto_pad', 'NOTSET');
  const pads = padsOf(node.ints('pads') ?? [], rank);
  if (kernel.length !== rank || stride.length !== rank || dilation.length !== rank || pads.length !== 2 * rank)
    refuse(`has a window for other axes than the ${rank} of the image`);
  if (auto === 'VALID') return { kernel, stride, dilation, sides: ones.map(() => [0, 0]), same: false };
  if (auto === 'NOTSET' || auto === '')
    return { kernel, stride, dilation, sides: ones.map((_, i) => [pads[i]!, pads[i + rank]!]), same: false };
  fixed(extents);
  const sides = extents.map((extent, i): Sides => {
    const needed = Math.max(
      0,
      (Math.ceil(extent / stride[i]!) - 1) * stride[i]! + dilation[i]! * (kernel[i]! - 1) + 1 - extent,
    );
    const less = Math.floor(needed / 2);
    return auto === 'SAME_LOWER' ? [needed - less, less] : [less, needed - less];
  });
  return { kernel, stride, dilation, sides, same: auto === 'SAME_UPPER' };
}

/** Files of the first versions count axes that an image lacks, which do nothing there. */
function behind(numbers: readonly number[], rank: number, idle: number): readonly number[] {
  const extra = numbers.length - rank;
  return extra > 0 && numbers.slice(0, extra).every((one) => one === idle) ? numbers.slice(extra) : numbers;
}

/** Of both ends; in files of the first versions one number may stand for both. */
function padsOf(pads: readonly number[], rank: number): readonly number[] {
  if (pads.length === 0) return Array<number>(2 * rank).fill(0);
  if (pads.length === rank) return [...pads, ...pads];
  const half = pads.length / 2;
  return Number.isInteger(half)
    ? [...behind(pads.slice(0, half), rank, 0), ...behind(pads.slice(half), rank, 0)]
    : pads;
}

function outExtents(extents: readonly number[], { kernel, stride, dilation, sides }: Window, ceil: boolean): number[] {
  return extents.map((extent, i) => {
    const [low, high] = sides[i]!;
    const room = extent + low + high - dilation[i]! * (kernel[i]! - 1) - 1;
    const whole = (ceil ? Math.ceil(room / stride[i]!) : Math.floor(room / stride[i]!)) + 1;
    // A window that would start in the padding at the end is dropped.
    return ceil && (whole - 1) * stride[i]! >= extent + low ? whole - 1 : whole;
  });
}

function checked(extents: readonly number[]): readonly number[] {
  return extents.every((extent) => extent >= 1)
    ? extents
    : refuse('gives a tensor without elements, which there are none of here');
}

function windowFields({ kernel, stride, dilation, sides, same }: Window, dilates = true): Fields {
  const padding = same ? 'same' : paddingOf(sides);
  const all = { kernel: each(kernel), stride: each(stride), padding, ...(dilates ? { dilation: each(dilation) } : {}) };
  return differing(all, { stride: 1, padding: 0, dilation: 1 });
}

/** Images of another number of axes than layers have: none behind the channels. */
function spatial(x: Value): readonly number[] {
  const rank = x.shape.length - 2;
  if (rank < 1 || rank > 3) refuse(`works on a tensor of ${x.shape.length} axes; images here have 3 to 5`);
  return x.shape.slice(2);
}

export function convolve(node: Node, x: Value, weight: Value, bias: Value | undefined): Value {
  const { e } = node;
  const extents = fixed(spatial(x));
  const window = windowOf(node, extents, fixed(weight.shape.slice(2)));
  const groups = node.int('group', 1);
  const filters = weight.shape[0]!;
  if (weight.shape[1]! * groups !== x.shape[1]!)
    refuse(`has weights for ${weight.shape[1]! * groups} channels where the image has ${x.shape[1]!}`);
  if (bias && count(bias.shape) !== filters) refuse(`has ${count(bias.shape)} biases for ${filters} filters`);
  const shape = [x.shape[0]!, filters, ...checked(outExtents(extents, window, false))];
  const fields = {
    filters,
    ...windowFields(window),
    ...(groups === 1 ? {} : { groups }),
    ...(bias === undefined ? { bias: false } : {}),
  };
  const params = { weight, bias: bias && e.reshape(bias, [filters]) };
  return e.weighted(`conv${extents.length}d`, [e.float(x)], fields, { shape }, params);
}

const convTranspose: Handler = (node) => {
  const { e } = node;
  const [x, weight, bias] = [node.in(0), node.in(1), node.maybe(2)];
  const extents = fixed(spatial(x));
  const rank = extents.length;
  const kernel = fixed(weight.shape.slice(2));
  const groups = node.int('group', 1);
  const zeros = Array<number>(rank).fill(0);
  const stride = node.ints('strides') ?? zeros.map(() => 1);
  const dilation = node.ints('dilations') ?? zeros.map(() => 1);
  const more = [...(node.ints('output_padding') ?? zeros)];
  const wanted = node.ints('output_shape')?.slice(-rank);
  const auto = node.text('auto_pad', 'NOTSET');
  const full = extents.map((extent, i) => (extent - 1) * stride[i]! + dilation[i]! * (kernel[i]! - 1) + 1);
  const pads = node.ints('pads') ?? [...zeros, ...zeros];
  const target = wanted ?? (auto.startsWith('SAME') ? extents.map((extent, i) => extent * stride[i]!) : undefined);
  const sides = extents.map((_, i): [number, number] => {
    if (target === undefined) return auto === 'VALID' ? [0, 0] : [pads[i]!, pads[i + rank]!];
    const total = full[i]! + more[i]! - target[i]!;
    if (total < 0) {
      more[i]! -= total;
      return [0, 0];
    }
    const less = Math.floor(total / 2);
    return auto === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
  });
  const out = full.map((extent, i) => extent + more[i]! - sides[i]![0] - sides[i]![1]);
  const filters = weight.shape[1]! * groups;
  if (weight.shape[0] !== x.shape[1])
    refuse(`has weights for ${weight.shape[0]!} channels where the image has ${x.shape[1]!}`);
  // What is added beyond the stride is zeros, and what is cut off below nothing is added: a border behind the layer.
  const border = more.map((extra, i) => (extra >= stride[i]! && extra >= dilation[i]! ? extra : 0));
  const within = more.map((extra, i) => extra - border[i]!);
  const shape = [x.shape[0]!, filters, ...checked(out.map((extent, i) => extent - border[i]!))];
  const all: Fields = {
    stride: each(stride),
    padding: paddingOf(sides),
    dilation: each(dilation),
    output_padding: each(within),
    groups,
  };
  const fields = {
    filters,
    kernel: each(kernel),
    ...differing(all, { stride: 1, padding: 0, dilation: 1, output_padding: 0, groups: 1 }),
    ...(bias === undefined || border.some((extra) => extra > 0) ? { bias: false } : {}),
  };
  const bordered = border.some((extra) => extra > 0);
  const made = e.weighted(
    `conv_transpose${rank}d`,
    [e.float(x)],
    fields,
    { shape },
    { weight, bias: bordered ? undefined : bias },
  );
  if (!bordered) return made;
  const wide = e.pad(made, [[0, 0], [0, 0], ...border.map((extra): [number, number] => [0, extra])]);
  return bias === undefined ? wide : e.weighted('bias', [wide], {}, { shape: wide.shape }, { bias });
};

interface Pooled {
  readonly window: Window;
  readonly extents: readonly number[];
  readonly shape: readonly number[];
  readonly ceil: boolean;
}

function poolOf(node: Node): Pooled {
  const x = node.in(0);
  const extents = fixed(spatial(x));
  const window = windowOf(node, extents, node.ints('kernel_shape') ?? refuse('lacks its kernel_shape'));
  const ceil = node.flag('ceil_mode');
  const shape = [...x.shape.slice(0, 2), ...checked(outExtents(extents, window, ceil))];
  return { window, extents, shape, ceil };
}

/** Fields of a pooling layer, whose stride is by default its kernel. */
function poolFields({ window, ceil }: Pooled, ceils = true): Fields {
  const { stride, ...fields } = windowFields(window, false);
  const own = each(window.stride);
  const usual = JSON.stringify(own) === JSON.stringify(fields.kernel);
  return {
    kernel: fields.kernel!,
    ...(usual ? {} : { stride: stride ?? own }),
    ...(fields.padding === undefined ? {} : { padding: fields.padding }),
    ...(ceil && ceils ? { ceil_mode: true } : {}),
  };
}

const dilated = ({ dilation }: Window): boolean => dilation.some((by) => by !== 1);

const maxPool: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const pooled = poolOf(node);
  const image = isFloatElem(x.elem) ? x : e.float(x);
  if (dilated(pooled.window)) {
    if (node.wants(1)) refuse('gives indices of dilated windows');
    return windowed(node, pooled, image, -3.4028234663852886e38, 'maximum');
  }
  const type = `max_pool${pooled.extents.length}d`;
  const made = e.layer(type, [image], poolFields(pooled), { shape: pooled.shape, elem: ELEM.float });
  const typed = isFloatElem(x.elem) ? { ...made, elem: x.elem } : e.cast(made, x.elem);
  if (!node.wants(1)) return typed;
  const index = e.further(made, 'index', { shape: pooled.shape, elem: ELEM.int32 });
  return [typed, indexOfAll(node, pooled, index)];
};

/** Places are counted within a channel here, within the whole tensor there; or with the first axis fastest. */
function indexOfAll({ e, ...node }: Node, { extents, shape }: Pooled, index: Value): Value {
  const size = count(extents);
  const [samples, channels] = fixed(shape.slice(0, 2)) as [number, number];
  const turned = node.proto.attributes.some(({ name, i }) => name === 'storage_order' && i === 1);
  const place = !turned || extents.length !== 2 ? index : columnFirst(e, index, extents as [number, number]);
  const planes = samples * channels;
  const offsets = e.known(
    Array.from({ length: planes }, (_, i) => i * size),
    [samples, channels, ...extents.map(() => 1)],
    ELEM.int32,
  );
  const all = planes === 1 ? place : e.layer('add', [place, offsets], {}, { shape });
  return { ...all, elem: ELEM.int64 };
}

function columnFirst(e: Node['e'], index: Value, [height, width]: readonly [number, number]): Value {
  const row = e.expr(`floor(x / ${width})`, [index]);
  const made = e.expr(`(a - b * ${width}) * ${height} + b`, [e.float(index), row]);
  return { ...e.cast(made, ELEM.int32) };
}

/** Windows that no layer has, as slices of the padded image that are put together, one axis after the other. */
function windowed(
  node: Node,
  { window, extents, shape }: Pooled,
  x: Value,
  value: number,
  join: 'maximum' | 'add',
): Value {
  const { e } = node;
  const { kernel, stride, dilation, sides } = window;
  if (kernel.some((extent) => extent > 64)) refuse(`has dilated windows of ${e.show(kernel)} elements`);
  const out = shape.slice(2);
  // Room for the last window, which may hang over.
  const room = sides.map(([low, high], i): [number, number] => {
    const reach = (out[i]! - 1) * stride[i]! + dilation[i]! * (kernel[i]! - 1) + 1;
    return [low, Math.max(high, reach - extents[i]! - low)];
  });
  const wide = e.pad(x, [[0, 0], [0, 0], ...room], value);
  return kernel.reduce((sofar, extent, i) => {
    const taps = Array.from({ length: extent }, (_, k) =>
      strip(e, sofar, i + 2, k * dilation[i]!, out[i]!, stride[i]!),
    );
    return taps.length === 1 ? taps[0]! : e.merge(join, taps);
  }, wide);
}

function strip(e: Node['e'], x: Value, axis: number, start: number, size: number, step: number): Value {
  // The last one may end before the next step would.
  const whole = e.slice(x, axis, start, (size - 1) * step + 1);
  return step === 1 ? whole : e.slice(whole, axis, 0, size, step);
}

const avgPool: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const pooled = poolOf(node);
  const include = node.flag('count_include_pad');
  const padded = pooled.window.sides.some(([low, high]) => low + high > 0) || pooled.ceil;
  if (dilated(pooled.window)) {
    const sum = windowed(node, pooled, e.float(x), 0, 'add');
    const ones = e.known(new Float32Array(count(pooled.extents)).fill(1), [1, 1, ...pooled.extents], ELEM.float);
    const counted = include ? e.pad(ones, [[0, 0], [0, 0], ...pooled.window.sides], 1) : ones;
    const inner = include
      ? {
          ...pooled,
          extents: counted.shape.slice(2),
          window: { ...pooled.window, sides: pooled.window.sides.map((): Sides => [0, 0]) },
        }
      : pooled;
    return e.merge('div', [sum, windowed(node, inner, counted, 0, 'add')]);
  }
  const fields = { ...poolFields(pooled), ...(padded && !include ? { count_include_pad: false } : {}) };
  return e.layer(`avg_pool${pooled.extents.length}d`, [e.float(x)], fields, { shape: pooled.shape });
};

const lpPool: Handler = (node) => {
  const pooled = poolOf(node);
  const { e } = node;
  const norm = node.has('p') && node.opset < 2 ? node.float('p', 2) : node.int('p', 2);
  const x = e.float(node.in(0));
  if (dilated(pooled.window)) {
    const powers = e.expr(`abs(x) ** ${norm}`, [x]);
    return e.expr(`x ** ${1 / norm}`, [windowed(node, pooled, powers, 0, 'add')]);
  }
  const fields = { ...poolFields(pooled), ...(norm === 2 ? {} : { norm }) };
  return e.layer(`lp_pool${pooled.extents.length}d`, [x], fields, { shape: pooled.shape });
};

/** Over everything behind the channels. */
const global =
  (type: 'avg' | 'max'): Handler =>
  (node) => {
    const x = node.e.float(node.in(0));
    const rank = x.shape.length - 2;
    const shape = [...x.shape.slice(0, 2), ...Array<number>(Math.max(0, rank)).fill(1)];
    if (rank >= 1 && rank <= 3) return node.e.layer(`global_${type}_pool${rank}d`, [x], { keepdims: true }, { shape });
    const axes = x.shape.map((_, axis) => axis).slice(2);
    return node.e.reduce(type === 'avg' ? 'reduce_mean' : 'reduce_max', x, axes, true);
  };

const globalLpPool: Handler = (node) => {
  const x = node.e.float(node.in(0));
  const p = node.int('p', 2);
  const axes = x.shape.map((_, axis) => axis).slice(2);
  if (p === 2) return node.e.reduce('reduce_l2_norm', x, axes, true);
  const sum = node.e.reduce('reduce_sum', node.e.expr(`abs(x) ** ${p}`, [x]), axes, true);
  return node.e.expr(`x ** ${1 / p}`, [sum]);
};

const maxUnpool: Handler = (node) => {
  const { e } = node;
  const [x, index] = [node.in(0), node.in(1)];
  const extents = fixed(spatial(x));
  const kernel = node.ints('kernel_shape') ?? refuse('lacks its kernel_shape');
  const stride = node.ints('strides') ?? kernel.map(() => 1);
  const pads = node.ints('pads') ?? [...kernel, ...kernel].map(() => 0);
  const own = extents.map((extent, i) => (extent - 1) * stride[i]! + kernel[i]! - pads[i]! - pads[i + kernel.length]!);
  const asked = node.numbers(2, 'output_shape');
  const [samples, channels] = fixed(x.shape.slice(0, 2)) as [number, number];
  // Places count through the tensor that the windows would make, whatever shape is asked for.
  const size = count(own);
  const total = asked === undefined ? samples * channels * size : count(asked);
  const flat = (value: Value): Value => e.reshape(value, [1, count(value.shape)]);
  const made = e.layer(
    'scatter_elements',
    [flat(e.float(x)), e.index(flat(index))],
    { size: total },
    { shape: [1, total] },
  );
  return e.reshape(made, asked ?? [samples, channels, ...own]);
};

export const WINDOWS: Handlers = {
  Conv: (node) => convolve(node, node.in(0), node.in(1), node.maybe(2)),
  ConvTranspose: convTranspose,
  MaxPool: maxPool,
  AveragePool: avgPool,
  LpPool: lpPool,
  GlobalAveragePool: global('avg'),
  GlobalMaxPool: global('max'),
  GlobalLpPool: globalLpPool,
  MaxUnpool: maxUnpool,
};
