/** What someone who comes from Caffe, Keras, PyTorch or fastai writes first, and what the error says to write instead. */
import { NAMES } from '../../compiler/diagnostics/names/index';
import { FIELD_NAMES, INSTEAD } from '../../compiler/diagnostics/names/fields';
import { checkSpecText } from '../../compiler/frontend/load';

const HEAD = 'inputs: {x: {shape: [N, 3, 8, 8]}, y: {shape: [N], dtype: int32}}\n';
const LOSSES = 'losses: [{type: cross_entropy, inputs: [a, y]}]\n';
const TRAIN = 'train: {batch_size: 4, epochs: 1, optimizer: {type: sgd, lr: 0.1}}\n';
const LAYERS = 'layers: [{name: a, type: dense, units: 4}]\n';

function hintOf(text: string, code: string): string | undefined {
  return checkSpecText(text, 'm.yaml').diagnostics.find((one) => one.code === code)?.hint;
}

const fieldOf = (layer: string, field: string): string | undefined =>
  hintOf(`${HEAD}layers: [{name: a, type: ${layer}, ${field}: 1}]\n`, 'unknown-field');

describe('fields of layers', () => {
  test.each([
    ['conv2d', 'num_output', 'filters'],
    ['conv2d', 'out_channels', 'filters'],
    ['conv2d', 'units', 'filters'],
    ['conv2d', 'kernel_size', 'kernel'],
    ['conv2d', 'strides', 'stride'],
    ['conv2d', 'pad', 'padding'],
    ['conv2d', 'group', 'groups'],
    ['conv2d', 'dilation_rate', 'dilation'],
    ['conv2d', 'bias_term', 'bias'],
    ['conv2d', 'use_bias', 'bias'],
    ['conv2d', 'weight_filler', 'init'],
    ['conv2d', 'kernel_initializer', 'init'],
    ['max_pool2d', 'kernel_size', 'kernel'],
    ['max_pool2d', 'pool_size', 'kernel'],
    ['dense', 'num_output', 'units'],
    ['dense', 'out_features', 'units'],
    ['dense', 'output_dim', 'units'],
    ['dense', 'filters', 'units'],
    ['lstm', 'hidden_size', 'units'],
    ['lstm', 'num_layers', 'layers'],
    ['lstm', 'return_sequences', 'return'],
    ['lstm', 'go_backwards', 'reverse'],
    ['dropout', 'p', 'rate'],
    ['dropout', 'dropout_ratio', 'rate'],
    ['batch_norm', 'eps', 'epsilon'],
    ['batch_norm', 'use_global_stats', 'use_running'],
    ['batch_norm', 'moving_average_fraction', 'momentum'],
    ['batch_norm', 'affine', 'scale'],
    ['layer_norm', 'elementwise_affine', 'scale'],
    ['group_norm', 'num_groups', 'groups'],
    ['lrn', 'local_size', 'size'],
    ['lrn', 'norm_region', 'region'],
    ['leaky_relu', 'negative_slope', 'slope'],
    ['leaky_relu', 'alpha', 'slope'],
    ['softmax', 'dim', 'axis'],
    ['concat', 'dim', 'axis'],
    ['split', 'slice_point', 'points'],
    ['embedding', 'input_dim', 'vocabulary'],
    ['embedding', 'num_embeddings', 'vocabulary'],
    ['embedding', 'embedding_dim', 'units'],
    ['multi_head_attention', 'num_heads', 'heads'],
    ['multi_head_attention', 'key_dim', 'key_units'],
    ['multi_head_attention', 'is_causal', 'causal'],
    ['reshape', 'target_shape', 'shape'],
    ['add', 'coeff', 'coefficients'],
    ['upsample2d', 'scale_factor', 'scale'],
    ['relu', 'bottom', 'inputs'],
  ])('%s has %s as `%s`', (layer, field, ours) => {
    expect(fieldOf(layer, field)).toBe(`it is \`${ours}\` here`);
  });

  test.each([
    ['dense', 'in_features', 'nothing: it follows from the input'],
    ['conv2d', 'in_channels', 'nothing: it follows from the input'],
    ['batch_norm', 'num_features', 'nothing: it follows from the input'],
    ['dense', 'input_shape', 'nothing: it follows from the input'],
    ['relu', 'inplace', 'nothing: memory is planned ahead'],
    ['relu', 'top', 'nothing: the name of a layer is that of its output'],
    ['lstm', 'batch_first', 'nothing: inputs are [N, T, C]'],
    ['conv2d', 'kernel_h', '`kernel: [h, w]`'],
    ['conv2d', 'bias_filler', '`parameters: {bias: {init: …}}`'],
    ['conv2d', 'kernel_regularizer', '`parameters: {weight: {l2: …}}`'],
    ['conv2d', 'lr_mult', '`parameters: {weight: {lr: …, decay: …}}`'],
    ['dense', 'trainable', '`frozen: true`'],
    ['dense', 'weight_decay', '`train.optimizer.weight_decay`'],
    ['dropout', 'phase', '`when: train`, or `eval`'],
    ['max_pool2d', 'global_pooling', '`type: global_avg_pool2d` or `global_max_pool2d`'],
  ])('%s has no %s, for which one writes %s', (layer, field, write) => {
    expect(fieldOf(layer, field)).toBe(`write ${write}`);
  });
});

describe('fields of the training', () => {
  const inOptimizer = (type: string, field: string): string | undefined =>
    hintOf(`${HEAD}${LAYERS}${LOSSES}${TRAIN.replace('sgd', `${type}, ${field}: 1`)}`, 'unknown-field');
  const inTrain = (field: string): string | undefined =>
    hintOf(`${HEAD}${LAYERS}${LOSSES}${TRAIN.replace('epochs', `${field}: 1, epochs`)}`, 'unknown-field');

  test.each([
    ['sgd', 'base_lr', 'it is `lr` here'],
    ['sgd', 'learning_rate', 'it is `lr` here'],
    ['sgd', 'wd', 'it is `weight_decay` here'],
    ['adam', 'eps', 'it is `epsilon` here'],
    ['adam', 'delta', 'it is `epsilon` here'],
    ['adam', 'momentum', 'it is `beta1` here'],
    ['adam', 'momentum2', 'it is `beta2` here'],
    ['adam', 'beta_1', 'did you mean `beta1`?'],
    ['adam', 'betas', 'write `beta1` and `beta2`'],
    ['adam', 'nesterov', 'write `type: nesterov`, or `sgd` with `nesterov: true`'],
    ['rmsprop', 'alpha', 'it is `rho` here'],
    ['rmsprop', 'rms_decay', 'it is `rho` here'],
    ['sgd', 'clipnorm', 'write `train.clip`'],
    ['sgd', 'lr_policy', 'write `train.schedule`, with its `type`'],
  ])('%s with %s: %s', (type, field, hint) => {
    expect(inOptimizer(type, field)).toBe(hint);
  });

  test.each([
    ['base_lr', 'write `train.optimizer.lr`'],
    ['lr', 'write `train.optimizer.lr`'],
    ['momentum', 'write `train.optimizer.momentum`'],
    ['weight_decay', 'write `train.optimizer.weight_decay`'],
    ['lr_policy', 'it is `schedule` here'],
    ['scheduler', 'it is `schedule` here'],
    ['gamma', 'write `train.schedule.gamma`'],
    ['max_iter', 'it is `steps` here'],
    ['iter_size', 'it is `accumulate` here'],
    ['num_epochs', 'it is `epochs` here'],
    ['bs', 'it is `batch_size` here'],
    ['clip_gradients', 'it is `clip` here'],
    ['random_seed', 'it is `seed` here'],
    ['snapshot', 'it is `checkpoint` here'],
    ['test_interval', 'it is `evaluate` here'],
    ['solver_mode', 'write `--device` on the command line'],
  ])('`train` with %s: %s', (field, hint) => {
    expect(inTrain(field)).toBe(hint);
  });
});

describe('types', () => {
  test.each([
    ['Conv2D', 'did you mean `conv2d`?'],
    ['InnerProduct', 'it is `dense` here'],
    ['nn.Linear', 'it is `dense` here'],
    ['torch.nn.BatchNorm2d', 'it is `batch_norm` here'],
    ['keras.layers.Dense', 'did you mean `dense`?'],
    ['tf.keras.layers.MaxPooling2D', 'it is `max_pool2d` here'],
    ['nn.Mish', 'did you mean `mish`?'],
    ['Convolution', 'it is `conv2d` here'],
    ['Slice', 'did you mean `slice` or `split`?'],
    ['Eltwise', 'it is `add` here'],
    ['Deconvolution', 'it is `conv_transpose2d` here'],
    ['GlobalAveragePooling2D', 'it is `global_avg_pool2d` here'],
    ['SoftmaxWithLoss', '`cross_entropy` is a loss: list it under `losses:`'],
    ['CrossEntropyLoss', '`cross_entropy` is a loss: list it under `losses:`'],
    ['EuclideanLoss', '`euclidean` is a loss: list it under `losses:`'],
    ['Accuracy', '`accuracy` is a metric: list it under `metrics:`'],
    ['ImageData', '`table` is a data source: it goes to `data.train` and `data.eval`'],
    ['Data', 'inputs are declared under `inputs:`, and where their samples come from under `data:`'],
    ['HDF5Data', 'inputs are declared under `inputs:`, and where their samples come from under `data:`'],
  ])('the layer %s: %s', (type, hint) => {
    expect(hintOf(`${HEAD}layers: [{name: a, type: ${type}}]\n`, 'unknown-type')).toBe(hint);
  });

  test.each([
    ['losses', 'categorical_crossentropy', 'it is `cross_entropy` here'],
    ['losses', 'CrossEntropyLoss', 'it is `cross_entropy` here'],
    ['losses', 'BCEWithLogitsLoss', 'it is `binary_cross_entropy` here'],
    ['losses', 'accuracy', '`accuracy` is a metric: list it under `metrics:`'],
    ['metrics', 'sparse_categorical_accuracy', 'it is `accuracy` here'],
    ['metrics', 'acc', 'it is `accuracy` here'],
  ])('of %s: %s: %s', (section, type, hint) => {
    const text = `${HEAD}${LAYERS}${section}: [{type: ${type}, inputs: [a, y]}]\n`;
    expect(hintOf(text, 'unknown-type')).toBe(hint);
  });

  test.each([
    ['optimizer: {type: Adam, lr: 0.1}', 'did you mean `adam`?'],
    ['optimizer: {type: ReduceLROnPlateau}', '`plateau` is a schedule: it goes to `train.schedule`'],
    ['optimizer: {type: sgd, lr: 0.1}, schedule: {type: inv}', 'it is `inverse` here'],
    ['optimizer: {type: sgd, lr: 0.1}, schedule: {type: ReduceLROnPlateau}', 'it is `plateau` here'],
    ['optimizer: {type: sgd, lr: 0.1}, schedule: {type: CosineAnnealingLR}', 'it is `cosine` here'],
    ['optimizer: {type: sgd, lr: 0.1}, schedule: {type: fit_one_cycle}', 'it is `one_cycle` here'],
  ])('train: {%s}: %s', (training, hint) => {
    const text = `${HEAD}${LAYERS}${LOSSES}train: {batch_size: 4, epochs: 1, ${training}}\n`;
    expect(hintOf(text, 'unknown-type')).toBe(hint);
  });

  test('a name of ours with two spellings stands in one table', () => {
    const written = INSTEAD.map(({ write }) => write);
    expect(new Set(written).size).toBe(written.length);
    expect(FIELD_NAMES.length + Object.values(NAMES).flat().length).toBeGreaterThan(200);
  });
});
