/** Layers of Keras 1 in the words of Keras 2: other names of classes and settings, two numbers instead of a pair. */
import type { Json } from '../../../frontend/spec';
import type { Settings } from './config';

const CLASSES: Readonly<Record<string, string>> = {
  Convolution1D: 'Conv1D',
  Convolution2D: 'Conv2D',
  Convolution3D: 'Conv3D',
  AtrousConvolution1D: 'Conv1D',
  AtrousConvolution2D: 'Conv2D',
  Deconvolution2D: 'Conv2DTranspose',
  SeparableConvolution2D: 'SeparableConv2D',
  TimeDistributedDense: 'Dense',
  TimeDistributedMerge: 'TimeDistributedMerge',
};

/** Old name → new name, where the value means the same. */
const NAMES: Readonly<Record<string, string>> = {
  init: 'kernel_initializer',
  inner_init: 'recurrent_initializer',
  W_regularizer: 'kernel_regularizer',
  U_regularizer: 'recurrent_regularizer',
  b_regularizer: 'bias_regularizer',
  W_constraint: 'kernel_constraint',
  U_constraint: 'recurrent_constraint',
  b_constraint: 'bias_constraint',
  bias: 'use_bias',
  p: 'rate',
  sigma: 'stddev',
  nb_filter: 'filters',
  subsample: 'strides',
  subsample_length: 'strides',
  filter_length: 'kernel_size',
  border_mode: 'padding',
  atrous_rate: 'dilation_rate',
  pool_length: 'pool_size',
  inner_activation: 'recurrent_activation',
  dropout_W: 'dropout',
  dropout_U: 'recurrent_dropout',
  input_dtype: 'dtype',
};

const ORDERS: Readonly<Record<string, string>> = { th: 'channels_first', tf: 'channels_last' };

const RECURRENT = new Set(['LSTM', 'GRU', 'SimpleRNN']);
const MERGES: Readonly<Record<string, string>> = {
  sum: 'Add',
  mul: 'Multiply',
  ave: 'Average',
  max: 'Maximum',
  concat: 'Concatenate',
  dot: 'Dot',
  cos: 'Dot',
};

/** Words that Keras 2 has no more: a configuration with some is of Keras 1, if it doesn't say. */
export const OLD_WORDS = /"(?:dim_ordering|border_mode|nb_filter|W_constraint|W_regularizer|inner_activation|init)":/;

export function upgrade(type: string, settings: Settings): { readonly type: string; readonly config: Settings } {
  const config: Record<string, Json> = {};
  for (const [key, value] of Object.entries(settings)) config[NAMES[key] ?? key] = value;
  const move = (from: string, to: string): void => {
    if (config[from] === undefined) return;
    config[to] = config[from];
    Reflect.deleteProperty(config, from);
  };
  const pair = (from: readonly string[], to: string): void => {
    if (!from.every((key) => config[key] !== undefined)) return;
    config[to] = from.map((key) => config[key]!);
    for (const key of from) Reflect.deleteProperty(config, key);
  };
  if (config.dim_ordering !== undefined) {
    const order = config.dim_ordering;
    config.data_format = (typeof order === 'string' ? ORDERS[order] : undefined) ?? order;
    delete config.dim_ordering;
  }
  pair(['nb_row', 'nb_col'], 'kernel_size');
  pair(['kernel_dim1', 'kernel_dim2', 'kernel_dim3'], 'kernel_size');
  if (type === 'AtrousConvolution1D' && config.dilation_rate === undefined) move('atrous_rate', 'dilation_rate');
  if (RECURRENT.has(type) || type === 'Dense' || type === 'TimeDistributedDense' || type === 'Highway')
    move('output_dim', 'units');
  if (RECURRENT.has(type)) config.unit_forget_bias = config.forget_bias_init === 'one';
  delete config.forget_bias_init;
  if (type === 'Embedding') {
    move('kernel_initializer', 'embeddings_initializer');
    move('kernel_regularizer', 'embeddings_regularizer');
    move('kernel_constraint', 'embeddings_constraint');
  }
  if (type.endsWith('Pooling1D')) move('stride', 'strides');
  if (type === 'UpSampling1D') move('length', 'size');
  // Numbers of inputs follow from the inputs; `input_dim` counts the words of an embedding.
  if (type !== 'Embedding' && config.batch_input_shape !== undefined) delete config.input_dim;
  if (type === 'Merge') return merge(config);
  return { type: CLASSES[type] ?? type, config };
}

function merge(config: Record<string, Json>): { readonly type: string; readonly config: Settings } {
  const { name = 'merge', trainable = true } = config;
  const type = typeof config.mode === 'string' && config.mode_type !== 'lambda' ? MERGES[config.mode] : undefined;
  // A function as mode is Python code.
  if (type === undefined) return { type: 'Lambda', config: { name } };
  const own: Record<string, Json> = { name, trainable };
  if (type === 'Concatenate') own.axis = config.concat_axis ?? -1;
  if (type === 'Dot') {
    own.axes = config.dot_axes ?? -1;
    own.normalize = config.mode === 'cos';
  }
  return { type, config: own };
}
