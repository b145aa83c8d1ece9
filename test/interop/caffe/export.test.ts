/** Models of the zoo as nets of Caffe, read again: the same numbers, and what Caffe cannot say is located. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SpecError } from '../../../compiler/diagnostics/errors';
import { loadSpec, loadSpecText } from '../../../compiler/frontend/load';
import type { Spec } from '../../../compiler/frontend/spec';
import { caffe } from '../../../compiler/interop/export/caffe';
import { elementCount } from '../../../compiler/ir/types';
import { load, type ModelTensor } from '../../../compiler/train/load';
import { modelStates } from '../../../compiler/train/programs';
import type { WeightTensor } from '../../../compiler/weights/content';
import { saveWeights } from '../../../compiler/weights/files';
import { generator } from '../../support/samples';
import { distance, imported, opened, temporaryFolder } from './corpus';

/** Weights drawn so that nothing dies out or grows beyond bounds on the way. */
async function drawn(spec: Spec, file: string): Promise<void> {
  const random = generator(11);
  const tensors = modelStates(spec).map(({ name, dtype, shape }): [string, WeightTensor] => {
    const width = shape.length > 1 ? Math.sqrt(6 / elementCount(shape.slice(1))) : 0.2;
    const data = Float32Array.from({ length: elementCount(shape) }, () =>
      /\.(?:variance|gamma)$/.test(name) ? 0.5 + random() : (2 * random() - 1) * width,
    );
    return [name, { dtype, shape, data }];
  });
  await saveWeights(file, { tensors: new Map(tensors), spec: spec.resolved });
}

function inputsOf(spec: Spec, names: readonly string[]): Record<string, ModelTensor> {
  const random = generator(5);
  return Object.fromEntries(
    spec.inputs
      .filter(({ name }) => names.includes(name))
      .map(({ name, dtype, shape }) => {
        const extents = shape.map((extent) => (typeof extent === 'number' ? extent : 1));
        const data = Float32Array.from({ length: elementCount(extents) }, () => random());
        return [name, { dtype, shape: extents, data }];
      }),
  );
}

/** The largest difference between a model and what its export is read as. */
async function roundTrip(spec: Spec): Promise<number> {
  const folder = temporaryFolder();
  const weights = path.join(folder, 'weights.h5');
  await drawn(spec, weights);
  const { files } = await caffe.run({ spec, weights, out: path.join(folder, 'net.prototxt'), options: {} });
  const [ours, theirs] = [await load(weights), await opened(await imported(files))];
  const inputs = inputsOf(spec, ours.inputs);
  const [expected, found] = [await ours.predict(inputs), await theirs.predict(inputs)];
  ours.close();
  theirs.close();
  const outputs = Object.values(expected);
  expect(Object.keys(found)).toHaveLength(outputs.length);
  return Math.max(...Object.values(found).map(({ data }, i) => distance(data, outputs[i]!.data)));
}

test.each([
  'lenet',
  'cifar10_quick',
  'mlp',
  'autoencoder',
  'resnet20',
  'squeezenet1_1',
  'shufflenet_v2_x1_0',
  'mobilenet_v1',
])('%s goes to Caffe and back', async (name) => {
  const spec = loadSpec(path.resolve(__dirname, `../../../models/${name}.yaml`));
  expect(await roundTrip(spec)).toBeLessThan(1e-5);
});

const LAYERS: readonly (readonly [shape: string, layers: string])[] = [
  [
    '2, 7, 9',
    '{type: conv2d, filters: 4, kernel: [3, 2], stride: [2, 1], padding: [1, 0], bias: false, activation: {type: leaky_relu, slope: 0.2}}',
  ],
  [
    '4, 8, 9',
    '{type: depthwise_conv2d, kernel: 3, stride: 2, padding: same, bias: false}, {type: batch_norm, activation: relu}',
  ],
  ['4, 8, 9', '{type: conv2d, filters: 3, kernel: 4, stride: 3, padding: [[0, 5], [4, 1]], activation: relu}'],
  ['4, 8, 9', '{type: max_pool2d, kernel: 3, stride: 2, padding: same}'],
  ['4, 5, 5', '{type: conv_transpose2d, filters: 6, kernel: 4, stride: 2, padding: 1, groups: 2, activation: prelu1}'],
  ['3, 7, 7', '{type: max_pool2d, kernel: 2}'],
  ['3, 7, 7', '{type: max_pool2d, kernel: 3, stride: 2, ceil_mode: true}'],
  ['3, 7, 6', '{type: avg_pool2d, kernel: [2, 3], padding: [1, 1]}'],
  ['3, 4, 4', '{type: global_max_pool2d}'],
  ['3, 4, 4', '{type: batch_norm, center: false, epsilon: 0.01}'],
  ['3, 4, 4', '{type: batch_norm, scale: false, center: false}'],
  ['3, 4, 4', '{type: scale, bias: true}, {type: bias, axis: 2}'],
  ['5, 4, 4', '{type: lrn, size: 3, alpha: 0.5}, {type: lrn, region: within_channel, size: 3, alpha: 0.5}'],
  ['3, 4, 4', '{type: mvn}'],
  ['3, 4, 4', '{type: l2_normalize, scale: true, epsilon: 1.0e-10, epsilon_rule: add}'],
  ['3, 4, 4', '{type: standardize, mean: [0.1, 0.2, 0.3], std: 0.5}'],
  [
    '3, 4, 4',
    '{type: prelu}, {type: elu, alpha: 0.5}, {type: silu}, {type: swish, beta: 2}, {type: bnll}, {type: tanh}',
  ],
  [
    '3, 4, 4',
    '{type: hard_swish}, {type: hard_sigmoid}, {type: relu6}, {type: clip, min: 0.1}, {type: threshold, threshold: 0.5, above: 1}',
  ],
  [
    '3, 4, 4',
    '{type: pow, power: 2, scale: 0.5, shift: 1}, {type: rescale, scale: 2, offset: 1}, {type: exp, scale: 0.1}, {type: log, base: 2}, {type: abs}',
  ],
  ['8, 3, 3', '{name: s, type: split, points: [3, 5]}, {type: concat, inputs: [s, s.2, s.1]}'],
  ['8, 3, 3', '{type: slice, axis: 2, start: 1, stop: 2}'],
  [
    '6, 2, 2',
    '{type: channel_shuffle, groups: 3}, {type: permute, axes: [0, 2, 3, 1]}, {type: reshape, shape: [0, -1, 3]}, {type: softmax, axis: -1}',
  ],
  ['2, 3, 3', '{type: upsample2d, scale: [2, 3]}'],
  ['4, 8, 9', '{type: crop2d, cropping: [[1, 2], [0, 1]]}, {type: center_crop, size: 4}'],
  ['2, 3, 3', '{type: tile, repeats: [1, 2, 1, 3]}'],
  ['4, 6, 6', '{type: global_avg_pool2d, keepdims: true}, {name: g, type: sigmoid}, {type: mul, inputs: [x, g]}'],
  [
    '4, 6, 6',
    '{name: a, type: conv2d, inputs: x, filters: 4, kernel: 1}, {name: b, type: conv2d, inputs: x, filters: 4, kernel: 1, share: a}, {type: add, inputs: [a, b], coefficients: [1, -2]}',
  ],
  ['5, 7', '{type: dense, units: 3, axis: -1, bias: false}, {type: dense, units: 4, transpose: true}'],
];

test.each(LAYERS.map(([shape, layers]) => [layers, shape] as const))('%s', async (layers, shape) => {
  const text = `dlc: 1\nname: net\ninputs:\n  x: {shape: [N, ${shape}]}\nlayers: [${layers.replace(', activation: prelu1', '')}]\n`;
  expect(await roundTrip(loadSpecText(text, 'net.yaml'))).toBeLessThan(1e-5);
});

test.each([
  ['{type: gelu}', 'of type gelu has no counterpart'],
  ['{type: avg_pool2d, kernel: 3, padding: [[0, 1], [0, 1]]}', 'pads one side more'],
  ['{type: conv2d, filters: 2, kernel: 3, activation: mish}', 'the activation mish'],
  ['{name: c, type: conv2d, filters: 3, kernel: 3, stride: 2}, {type: resize, size: 9}', 'of type resize'],
])('%s cannot be said', async (layers, problem) => {
  const text = `dlc: 1\nname: net\ninputs:\n  x: {shape: [N, 3, 9, 9]}\nlayers:\n  - ${layers.replaceAll('}, {', '}\n  - {')}\n`;
  const spec = loadSpecText(text, 'net.yaml');
  const error: unknown = await caffe
    .run({ spec, out: path.join(temporaryFolder(), 'net'), options: {} })
    .catch((thrown: unknown) => thrown);
  if (!(error instanceof SpecError)) throw error;
  expect(error.diagnostics[0]).toMatchObject({ code: 'export-unsupported' });
  expect(error.message).toContain(problem);
  expect(error.diagnostics[0]!.at.line).toBeGreaterThan(5);
});

test('the text is that of a net', async () => {
  const spec = loadSpecText(
    'dlc: 1\nname: net\ninputs:\n  x: {shape: [N, 3, 8, 8]}\nlayers:\n  - {name: conv1, type: conv2d, filters: 4, kernel: 3, activation: relu, parameters: {bias: {lr: 2}}}\n  - {name: drop, type: dropout}\n',
    'net.yaml',
  );
  const { files } = await caffe.run({ spec, out: path.join(temporaryFolder(), 'net.prototxt'), options: {}, batch: 2 });
  expect(files).toHaveLength(1);
  expect(readFileSync(files[0]!, 'utf8')).toBe(`name: "net"
layer {
  name: "x"
  type: "Input"
  top: "x"
  input_param {
    shape { dim: 2 dim: 3 dim: 8 dim: 8 }
  }
}
layer {
  name: "conv1"
  type: "Convolution"
  bottom: "x"
  top: "conv1"
  param { }
  param { lr_mult: 2 }
  convolution_param { num_output: 4 kernel_size: 3 }
}
layer { name: "conv1_relu" type: "ReLU" bottom: "conv1" top: "conv1" }
layer {
  name: "drop"
  type: "Dropout"
  bottom: "conv1"
  top: "drop"
  dropout_param { dropout_ratio: 0.5 }
}
`);
});
