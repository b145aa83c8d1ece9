/**
 * The two older generations of net files, rewritten as the newest: V0 (`layers { layer { type: "conv" … } }`) with its flat
 * fields, V1 (`layers { type: CONVOLUTION … }`). What is rewritten keeps the place where it stands in the file.
 */
import { isMessage, TextMessage, type TextField } from '../../formats/caffe/text';

const V1_TYPES: Readonly<Record<string, string>> = {
  ABSVAL: 'AbsVal',
  ACCURACY: 'Accuracy',
  ARGMAX: 'ArgMax',
  BNLL: 'BNLL',
  CONCAT: 'Concat',
  CONTRASTIVE_LOSS: 'ContrastiveLoss',
  CONVOLUTION: 'Convolution',
  DATA: 'Data',
  DECONVOLUTION: 'Deconvolution',
  DROPOUT: 'Dropout',
  DUMMY_DATA: 'DummyData',
  ELTWISE: 'Eltwise',
  EUCLIDEAN_LOSS: 'EuclideanLoss',
  EXP: 'Exp',
  FLATTEN: 'Flatten',
  HDF5_DATA: 'HDF5Data',
  HDF5_OUTPUT: 'HDF5Output',
  HINGE_LOSS: 'HingeLoss',
  IM2COL: 'Im2col',
  IMAGE_DATA: 'ImageData',
  INFOGAIN_LOSS: 'InfogainLoss',
  INNER_PRODUCT: 'InnerProduct',
  LRN: 'LRN',
  MEMORY_DATA: 'MemoryData',
  MULTINOMIAL_LOGISTIC_LOSS: 'MultinomialLogisticLoss',
  MVN: 'MVN',
  POOLING: 'Pooling',
  POWER: 'Power',
  RELU: 'ReLU',
  SIGMOID: 'Sigmoid',
  SIGMOID_CROSS_ENTROPY_LOSS: 'SigmoidCrossEntropyLoss',
  SILENCE: 'Silence',
  SLICE: 'Slice',
  SOFTMAX: 'Softmax',
  SOFTMAX_LOSS: 'SoftmaxWithLoss',
  SPLIT: 'Split',
  TANH: 'TanH',
  THRESHOLD: 'Threshold',
  WINDOW_DATA: 'WindowData',
};

const V0_TYPES: Readonly<Record<string, string>> = {
  accuracy: 'Accuracy',
  bnll: 'BNLL',
  concat: 'Concat',
  conv: 'Convolution',
  data: 'Data',
  dropout: 'Dropout',
  euclidean_loss: 'EuclideanLoss',
  flatten: 'Flatten',
  hdf5_data: 'HDF5Data',
  hdf5_output: 'HDF5Output',
  im2col: 'Im2col',
  images: 'ImageData',
  infogain_loss: 'InfogainLoss',
  innerproduct: 'InnerProduct',
  lrn: 'LRN',
  multinomial_logistic_loss: 'MultinomialLogisticLoss',
  pool: 'Pooling',
  relu: 'ReLU',
  sigmoid: 'Sigmoid',
  softmax: 'Softmax',
  softmax_loss: 'SoftmaxWithLoss',
  split: 'Split',
  tanh: 'TanH',
  window_data: 'WindowData',
};

/** The message that holds a type's own fields in the generations after V0. */
const V0_MESSAGE: Readonly<Record<string, string>> = {
  concat: 'concat_param',
  conv: 'convolution_param',
  data: 'data_param',
  dropout: 'dropout_param',
  hdf5_data: 'hdf5_data_param',
  images: 'image_data_param',
  infogain_loss: 'infogain_loss_param',
  innerproduct: 'inner_product_param',
  lrn: 'lrn_param',
  pool: 'pooling_param',
  window_data: 'window_data_param',
};

const V0_NAMES: Readonly<Record<string, string>> = {
  biasterm: 'bias_term',
  kernelsize: 'kernel_size',
  batchsize: 'batch_size',
  shuffle_images: 'shuffle',
  det_fg_threshold: 'fg_threshold',
  det_bg_threshold: 'bg_threshold',
  det_fg_fraction: 'fg_fraction',
  det_context_pad: 'context_pad',
  det_crop_mode: 'crop_mode',
};

const V0_TRANSFORM: Readonly<Record<string, string>> = {
  scale: 'scale',
  meanfile: 'mean_file',
  cropsize: 'crop_size',
  mirror: 'mirror',
};

const OUTER = new Set(['name', 'type', 'blobs', 'blobs_lr', 'weight_decay', 'hdf5_output_param']);

/** The fields of a `layers { … }` as those of a `layer { … }`. */
export function upgradeLayer(old: TextMessage): TextMessage {
  const inner = old.fields.find((field) => field.name === 'layer')?.value;
  const flat = inner !== undefined && isMessage(inner) ? fromV0(old, inner) : old;
  return fromV1(flat);
}

/** V0 → V1 with the type already in the newest words. */
function fromV0(old: TextMessage, inner: TextMessage): TextMessage {
  const type = scalarOf(inner, 'type') ?? '';
  const made = new TextMessage(old.source, old.offset);
  const own = new TextMessage(old.source, inner.offset);
  const transform = new TextMessage(old.source, inner.offset);
  made.fields.push(...old.fields.filter((field) => field.name !== 'layer'));
  for (const field of inner.fields) {
    if (field.name === 'type') made.fields.push(renamed(field, V0_TYPES[type] ?? type));
    else if (OUTER.has(field.name)) made.fields.push(field);
    else if (V0_TRANSFORM[field.name] !== undefined) {
      transform.fields.push({ ...field, name: V0_TRANSFORM[field.name]! });
    } else own.fields.push({ ...field, name: V0_NAMES[field.name] ?? field.name });
  }
  const message = V0_MESSAGE[type];
  if (message === undefined) made.fields.push(...own.fields);
  else if (own.fields.length > 0) made.fields.push({ name: message, offset: own.offset, value: own });
  if (transform.fields.length > 0) {
    made.fields.push({ name: 'transform_param', offset: transform.offset, value: transform });
  }
  return made;
}

function fromV1(old: TextMessage): TextMessage {
  const made = new TextMessage(old.source, old.offset);
  const params: TextMessage[] = [];
  const paramAt = (index: number, offset: number): TextMessage =>
    (params[index] ??= new TextMessage(old.source, offset));
  const seen: Record<string, number> = {};
  for (const field of old.fields) {
    const name = V1_PARAMS[field.name];
    if (field.name === 'type' && !isMessage(field.value)) {
      made.fields.push(renamed(field, V1_TYPES[field.value.text] ?? field.value.text));
    } else if (name === undefined || isMessage(field.value)) made.fields.push(field);
    else {
      const index = seen[field.name] ?? 0;
      seen[field.name] = index + 1;
      paramAt(index, field.offset).fields.push({ ...field, name });
    }
  }
  for (const param of params) made.fields.push({ name: 'param', offset: param.offset, value: param });
  return made;
}

const V1_PARAMS: Readonly<Record<string, string>> = {
  blobs_lr: 'lr_mult',
  weight_decay: 'decay_mult',
  param: 'name',
  blob_share_mode: 'share_mode',
};

function renamed(field: TextField, text: string): TextField {
  return { ...field, value: { kind: 'string', text, offset: field.offset } };
}

function scalarOf(message: TextMessage, name: string): string | undefined {
  const value = message.fields.find((field) => field.name === name)?.value;
  return value === undefined || isMessage(value) ? undefined : value.text;
}

const DATA_TRANSFORM = ['scale', 'mean_file', 'crop_size', 'mirror'];

/** Data layers once had the transformations among their own fields: moves them to `transform_param`. */
export function upgradeTransform(layer: TextMessage): TextMessage {
  const holder = layer.fields.find((field) =>
    ['data_param', 'image_data_param', 'window_data_param'].includes(field.name),
  );
  if (holder === undefined || !isMessage(holder.value)) return layer;
  const moved = holder.value.fields.filter((field) => DATA_TRANSFORM.includes(field.name));
  if (moved.length === 0) return layer;
  const made = new TextMessage(layer.source, layer.offset);
  const own = new TextMessage(layer.source, holder.value.offset);
  own.fields.push(...holder.value.fields.filter((field) => !DATA_TRANSFORM.includes(field.name)));
  const transform = new TextMessage(layer.source, holder.value.offset);
  transform.fields.push(...moved);
  made.fields.push(...layer.fields.map((field) => (field === holder ? { ...field, value: own } : field)));
  made.fields.push({ name: 'transform_param', offset: holder.offset, value: transform });
  return made;
}
