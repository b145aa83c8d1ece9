/** Convolutions, dense layers, embeddings and pooling. */
import { perAxisOf, slidingOf, type Rank } from '../../../../layers/window';
import { Word, type Proto } from '../../../formats/caffe/print';
import type { Converter, Use } from '../use';

interface Window {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  /** Of both sides. */
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  /** How many outputs are too many in front, where one side is padded more than the other. */
  readonly extra: readonly number[];
}

function windowOf(use: Use, extents: readonly number[]): Window {
  const rank = extents.length as Rank;
  const kernel = perAxisOf(use.fields, 'kernel', rank);
  // Of poolings the usual stride is the kernel, of convolutions 1.
  const stride = use.fields['stride'] ?? (use.type.includes('pool') ? use.fields['kernel']! : 1);
  const fields = { ...use.fields, stride };
  const sliding = slidingOf({ fields, fail: (path, message) => use.refuse(message, String(path[0])) }, extents, kernel);
  // Caffe pads both sides alike: with whole strides more in front, what is wanted begins so many outputs later.
  const extra = sliding.low.map((low, i) => Math.ceil(Math.max(0, sliding.high[i]! - low) / sliding.stride[i]!));
  const uneven = sliding.low.some((low, i) => low !== sliding.high[i]);
  const padding = sliding.low.map((low, i) => (uneven ? low + extra[i]! * sliding.stride[i]! : low));
  return { kernel, stride: sliding.stride, padding, dilation: sliding.dilation, extra: uneven ? extra : [] };
}

/** Makes the output, or one of the extents `made`, which is then cut. */
function cut(
  use: Use,
  type: string,
  fields: Proto,
  { extra, made }: { readonly extra: readonly number[]; readonly made: readonly number[] },
  blobs: Parameters<Use['become']>[2] = [],
): void {
  if (extra.length === 0) use.become(type, fields, blobs);
  else use.give(use.crop(use.add(type, [use.x.name], fields, { suffix: '_padded', blobs }), made, extra));
}

/** One number for all axes, or one for each: of images `kernel_h` and `kernel_w`, else a list. */
function written(name: string, values: readonly number[], usual: number): Proto {
  if (values.every((value) => value === usual)) return {};
  if (values.every((value) => value === values[0])) return { [name]: values[0]! };
  const word = name === 'kernel_size' ? 'kernel' : name;
  return values.length === 2 ? { [`${word}_h`]: values[0]!, [`${word}_w`]: values[1]! } : { [name]: [...values] };
}

function weightsOf(
  use: Use,
  bias: boolean,
): { readonly params: Proto; readonly blobs: readonly ReturnType<Use['blob']>[] } {
  if (use.fields['normalize_weight'] !== undefined) use.refuse('normalizes its weight', 'normalize_weight');
  const names = bias ? ['weight', 'bias'] : ['weight'];
  return { params: use.params(names), blobs: names.map((name) => use.blob(name)) };
}

/** `type` is Convolution or Deconvolution; channels stand on axis 1 of the output. */
const convolution =
  (type: string): Converter =>
  (use) => {
    const [, channels = 1, ...extents] = use.x.shape;
    if ((use.field('padding_mode') ?? 'zeros') !== 'zeros') use.refuse('pads with other than zeros', 'padding_mode');
    const more = use.field('output_padding');
    if (more !== undefined && more !== 0) use.refuse('has output_padding', 'output_padding');
    const window = windowOf(use, extents);
    const bias = use.flag('bias', true);
    if (type === 'Deconvolution' && window.extra.length > 0) use.refuse('cuts one side more than the other', 'padding');
    const depthwise = use.type.startsWith('depthwise');
    const groups = depthwise ? channels : use.number('groups', 1);
    const { params, blobs } = weightsOf(use, bias);
    const convolved = extents.map((extent, i) => {
      const reach = window.dilation[i]! * (window.kernel[i]! - 1) + 1;
      return Math.floor((extent + 2 * window.padding[i]! - reach) / window.stride[i]!) + 1;
    });
    cut(
      use,
      type,
      {
        ...params,
        convolution_param: {
          num_output: use.shape()[1]!,
          bias_term: bias ? undefined : false,
          ...written('kernel_size', window.kernel, 0),
          ...written('stride', window.stride, 1),
          ...written('pad', window.padding, 0),
          ...written('dilation', window.dilation, 1),
          group: groups === 1 ? undefined : groups,
        },
      },
      { extra: window.extra, made: convolved },
      blobs,
    );
  };

const dense: Converter = (use) => {
  const axis = use.axis('axis');
  const bias = use.flag('bias', true);
  const { params, blobs } = weightsOf(use, bias);
  const param = {
    num_output: use.number('units'),
    bias_term: bias ? undefined : false,
    axis: axis === 1 ? undefined : axis,
    transpose: use.flag('transpose') ? true : undefined,
  };
  use.become('InnerProduct', { ...params, inner_product_param: param }, blobs);
};

const embedding: Converter = (use) => {
  if (use.fields['padding_index'] !== undefined) use.refuse('has a padding_index', 'padding_index');
  if (use.number('scale', 1) !== 1) use.refuse('scales its vectors', 'scale');
  const bias = use.flag('bias');
  const { params, blobs } = weightsOf(use, bias);
  const param = {
    num_output: use.number('units'),
    input_dim: use.number('vocabulary'),
    bias_term: bias ? undefined : false,
  };
  use.remark('indices are floats in Caffe: its inputs hold whole numbers as floats');
  use.become('Embed', { ...params, embed_param: param }, blobs);
};

const pool =
  (method: string): Converter =>
  (use) => {
    const [, , ...extents] = use.x.shape;
    if (extents.length !== 2) use.refuse('is on other than images, which Caffe cannot pool');
    const window = windowOf(use, extents);
    const padded = window.padding.some((side) => side > 0);
    if (method === 'AVE' && window.extra.length > 0) use.refuse('pads one side more than the other', 'padding');
    if (method === 'AVE' && padded && use.field('count_include_pad') === false)
      use.refuse('leaves padding out of its means');
    if (use.fields['divisor'] !== undefined) use.refuse('has a divisor of its own', 'divisor');
    const out = use.shape().slice(2);
    // Caffe rounds up unless told.
    const up = extents.map((extent, i) => {
      const [k, s, p] = [window.kernel[i]!, window.stride[i]!, window.padding[i]!];
      const count = Math.ceil((extent + 2 * p - k) / s) + 1;
      return p > 0 && (count - 1) * s >= extent + p ? count - 1 : count;
    });
    const rounds = window.extra.length > 0 || up.every((extent, i) => extent === out[i]);
    if (window.padding.some((side, i) => side >= window.kernel[i]!))
      use.refuse('has a padding as wide as its window', 'padding');
    const param = {
      pool: new Word(method),
      ...written('kernel_size', window.kernel, 0),
      ...written('stride', window.stride, 1),
      ...written('pad', window.padding, 0),
      round_mode: rounds ? undefined : new Word('FLOOR'),
    };
    if (!rounds) use.remark('round_mode of pools needs a Caffe of 2017 or later');
    const indexed = method === 'MAX' && use.net.shapes.has(`${use.name}.index`);
    const isRead = indexed && use.layer.type === 'max_pool2d' && use.net.owners.has(`${use.name}.index`);
    if (!isRead) cut(use, 'Pooling', { pooling_param: param }, { extra: window.extra, made: up });
    else {
      use.add('Pooling', [use.x.name], { pooling_param: param }, { tops: [use.name, `${use.name}_index`] });
      use.give(use.name);
      use.give(`${use.name}_index`, 'index');
    }
  };

const globalPool =
  (method: string): Converter =>
  (use) => {
    if (use.x.shape.length !== 4) use.refuse('is on other than images, which Caffe cannot pool');
    const fields = { pooling_param: { pool: new Word(method), global_pooling: true } };
    if (use.flag('keepdims')) use.become('Pooling', fields);
    else use.give(use.add('Flatten', [use.add('Pooling', [use.x.name], fields, { suffix: '_pooled' })]));
  };

/** Repeats pixels: each channel paints squares of ones. */
const enlarge: Converter = (use) => {
  const [, channels = 1] = use.x.shape;
  if (use.field('method') !== 'nearest') use.refuse('interpolates', 'method');
  const scale = perAxisOf(use.fields, 'scale', 2);
  const param = {
    num_output: channels,
    bias_term: false,
    group: channels,
    ...written('kernel_size', scale, 0),
    ...written('stride', scale, 1),
    weight_filler: { type: 'constant', value: 1 },
  };
  const shape = [channels, 1, ...scale];
  const ones = { shape, data: new Float32Array(shape.reduce((product, extent) => product * extent, 1)).fill(1) };
  const fields = { param: { lr_mult: 0, decay_mult: 0 }, convolution_param: param };
  use.become('Deconvolution', fields, use.net.tensors === undefined ? [] : [ones]);
};

export const vision: Readonly<Record<string, Converter>> = {
  conv1d: convolution('Convolution'),
  conv2d: convolution('Convolution'),
  conv3d: convolution('Convolution'),
  depthwise_conv1d: convolution('Convolution'),
  depthwise_conv2d: convolution('Convolution'),
  conv_transpose2d: convolution('Deconvolution'),
  conv_transpose3d: convolution('Deconvolution'),
  dense,
  embedding,
  max_pool2d: pool('MAX'),
  avg_pool2d: pool('AVE'),
  global_max_pool2d: globalPool('MAX'),
  global_avg_pool2d: globalPool('AVE'),
  upsample2d: enlarge,
};
