/** The meanings that Caffe's layers and solvers have, kept in small nets. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { SpecError } from '../../../compiler/diagnostics/errors';
import { encodeNpy } from '../../../compiler/data/npy';
import { writeNet, type WeightLayer } from '../../../compiler/interop/formats/caffe/wire';
import type { Imported, ImportOptions } from '../../../compiler/interop/import/import';
import { withHdf5 } from '../../../compiler/weights/h5_client';
import { generator } from '../../support/samples';
import { distance, imported, opened, temporaryFolder } from './corpus';

const folder = temporaryFolder();
let count = 0;

function written(content: string | Uint8Array, ending = '.prototxt'): string {
  const file = path.join(folder, `file${++count}${ending}`);
  writeFileSync(file, content);
  return file;
}

async function read(
  texts: readonly string[],
  layers: readonly WeightLayer[] = [],
  options: Partial<ImportOptions> = {},
): Promise<Imported> {
  const weights = layers.length === 0 ? [] : [written(writeNet({ name: 'net', layers }), '.caffemodel')];
  return imported([...texts.map((text) => written(text)), ...weights], options);
}

const input = (...dims: number[]): string =>
  `name: "net" input: "data" input_shape { ${dims.map((d) => `dim: ${d}`).join(' ')} }\n`;

/** The lines of the layers. */
const layersOf = ({ text }: Imported): string[] =>
  text.split('\n').flatMap((line) => (/^ {2}- \{name: /.test(line) ? [line.trim().slice(2)] : []));

const blob = (shape: readonly number[], data: readonly number[]): WeightLayer['blobs'][0] => ({
  shape,
  data: Float32Array.from(data),
});

test('statistics of BatchNorm are divided by its third blob, and the Scale behind it is part of it', async () => {
  const net = `${input(1, 2, 3, 3)}
    layer { name: "bn" type: "BatchNorm" bottom: "data" top: "bn" }
    layer { name: "sc" type: "Scale" bottom: "bn" top: "bn" scale_param { bias_term: true } }
    layer { name: "r" type: "ReLU" bottom: "bn" top: "bn" }`;
  const made = await read(
    [net],
    [
      { name: 'bn', type: 'BatchNorm', blobs: [blob([2], [2, 4]), blob([2], [6, 8]), blob([1], [2])] },
      { name: 'sc', type: 'Scale', blobs: [blob([2], [5, 6]), blob([2], [7, 8])] },
    ],
  );
  expect(layersOf(made)).toEqual(['{name: bn, type: batch_norm, activation: relu}']);
  const values = Object.fromEntries([...made.tensors].map(([name, { data }]) => [name, Array.from(data, Number)]));
  expect(values).toEqual({ 'bn.mean': [1, 2], 'bn.variance': [3, 4], 'bn.gamma': [5, 6], 'bn.beta': [7, 8] });
});

test('a Scale that is not alone behind its BatchNorm stays a layer', async () => {
  const net = `${input(1, 2, 3, 3)}
    layer { name: "bn" type: "BatchNorm" bottom: "data" top: "bn" batch_norm_param { eps: 0.001 } }
    layer { name: "sc" type: "Scale" bottom: "bn" top: "sc" }
    layer { name: "sum" type: "Eltwise" bottom: "bn" bottom: "sc" top: "sum" eltwise_param { coeff: 1 coeff: -1 } }`;
  expect(layersOf(await read([net]))).toEqual([
    '{name: bn, type: batch_norm, epsilon: 0.001, scale: false, center: false}',
    '{name: sc, type: scale}',
    '{name: sum, type: sub, inputs: [bn, sc]}',
  ]);
});

test('weights as HDF5 are those of the binary file', async () => {
  const net = `${input(1, 3)} layer { name: "a/ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 } }`;
  const file = path.join(folder, 'net.caffemodel.h5');
  const f32 = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
  await withHdf5(10_000, async (session) => {
    await session.ask('create', { path: file });
    for (const group of ['/data', '/data/a', '/data/a/ip']) await session.ask('group', { path: group });
    await session.ask('dataset', { path: '/data/a/ip/0', type: 'f32', shape: [2, 3], data: f32(1, 2, 3, 4, 5, 6) });
    await session.ask('dataset', { path: '/data/a/ip/1', type: 'f32', shape: [2], data: f32(7, 8) });
    await session.ask('close', {});
  });
  const { tensors } = await imported([written(net), file]);
  expect([...tensors].map(([name, { data }]) => [name, Array.from(data, Number)])).toEqual([
    ['a/ip.weight', [1, 2, 3, 4, 5, 6]],
    ['a/ip.bias', [7, 8]],
  ]);
});

test('fillers that are what a layer starts from are left out', async () => {
  const net = LEARNING.replace(
    'layer { name: "ip"',
    `layer { name: "n" type: "Normalize" bottom: "data" top: "n" norm_param { scale_filler { value: 20 } } }
     layer { name: "s" type: "Scale" bottom: "n" top: "s" scale_param { filler { value: 1 } } }
     layer { name: "one" type: "Normalize" bottom: "s" top: "one" norm_param { channel_shared: false } }
     layer { name: "ip"`,
  ).replace('bottom: "data" top: "ip"', 'bottom: "one" top: "ip"');
  const lines = layersOf(await read([net]));
  expect(lines.slice(0, 3)).toEqual([
    '{name: n, type: l2_normalize, axis: [1, 2, 3], epsilon: 1e-10, epsilon_rule: add, scale: true, shared: true}',
    '{name: s, type: scale}',
    '{name: one, type: l2_normalize, axis: [1, 2, 3], epsilon: 1e-10, epsilon_rule: add, scale: true, parameters: {gamma: {init: ones}}}',
  ]);
});

test.each([
  [6, 2, 2, 0, '{name: p, type: max_pool2d, kernel: 2}', 3],
  [7, 2, 2, 0, '{name: p, type: max_pool2d, kernel: 2, ceil_mode: true}', 4],
  [6, 3, 2, 0, '{name: p, type: max_pool2d, kernel: 3, stride: 2, ceil_mode: true}', 3],
  // Rounded up there would be a window that begins in the padding: it is left out.
  [6, 2, 2, 1, '{name: p, type: max_pool2d, kernel: 2, padding: 1}', 4],
])('pools of %i by %i, stride %i, padding %i round up', async (extent, kernel, stride, pad, line, out) => {
  const param = `pool: MAX kernel_size: ${kernel} stride: ${stride} pad: ${pad}`;
  const made = await read([
    `${input(1, 1, extent, extent)} layer { name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param { ${param} } }`,
  ]);
  expect(layersOf(made)).toEqual([line]);
  const model = await opened(made);
  const data = new Float32Array(extent * extent);
  const [result] = Object.values(await model.predict({ data: { dtype: 'f32', shape: [1, 1, extent, extent], data } }));
  model.close();
  expect(result!.shape).toEqual([1, 1, out, out]);
});

test('the three generations of a net are one model', async () => {
  const fields = 'num_output: 4 kernel_size: 3 stride: 2';
  const nets = [
    `layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { ${fields} group: 1 } }
     layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
     layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { pool: AVE kernel_size: 2 } }`,
    `layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" convolution_param { ${fields} } blobs_lr: 1 blobs_lr: 2 }
     layers { name: "r" type: RELU bottom: "c" top: "c" }
     layers { name: "p" type: POOLING bottom: "c" top: "p" pooling_param { pool: AVE kernel_size: 2 } }`,
    `layers { layer { name: "c" type: "conv" num_output: 4 kernelsize: 3 stride: 2 } bottom: "data" top: "c" }
     layers { layer { name: "r" type: "relu" } bottom: "c" top: "c" }
     layers { layer { name: "p" type: "pool" pool: AVE kernelsize: 2 } bottom: "c" top: "p" }`,
  ];
  const made = await Promise.all(nets.map((net) => read([input(2, 3, 9, 9) + net])));
  expect(layersOf(made[0]!)).toEqual([
    '{name: c, type: conv2d, filters: 4, kernel: 3, stride: 2, activation: relu}',
    '{name: p, type: avg_pool2d, kernel: 2, stride: 1}',
  ]);
  expect(layersOf(made[1]!)).toEqual(layersOf(made[0]!));
  expect(layersOf(made[2]!)).toEqual(layersOf(made[0]!));
});

const LEARNING = `name: "net"
  layer { name: "d" type: "MemoryData" top: "data" top: "label" memory_data_param { batch_size: 8 channels: 3 height: 4 width: 4 } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
    inner_product_param { num_output: 7 weight_filler { type: "xavier" variance_norm: AVERAGE } bias_filler { type: "constant" value: 0.5 } } }
  layer { name: "drop" type: "Dropout" bottom: "ip" top: "ip" include { phase: TRAIN } }
  layer { name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "acc" include { phase: TEST } accuracy_param { top_k: 5 } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" loss_weight: 0.5 loss_param { ignore_label: 3 normalization: FULL } }`;

test('losses, metrics, phases and rates of a net for training', async () => {
  const { spec, text } = await read([LEARNING, 'base_lr: 0.1 lr_policy: "fixed" max_iter: 10']);
  expect(spec.losses.map(({ type, weight, fields }) => ({ type, weight, fields }))).toMatchObject([
    { type: 'cross_entropy', weight: 0.5, fields: { ignore_index: 3, normalization: 'full' } },
  ]);
  expect(spec.metrics.map(({ type }) => type)).toEqual(['top_k']);
  expect(text).toContain('{name: drop, type: dropout, rate: 0.5, when: train}');
  expect(text).toContain('init: {type: xavier, mode: fan_avg}');
  expect(text).toContain('parameters: {bias: {init: {type: constant, value: 0.5}, lr: 2, decay: 0}}');
});

test.each([
  ['type: "SGD" momentum: 0.9 lr_policy: "fixed"', 'optimizer: {type: sgd, lr: 0.1, momentum: 0.9}'],
  [
    'momentum: 0.9 weight_decay: 0.001 lr_policy: "step" stepsize: 4 gamma: 0.5',
    'optimizer: {type: sgd, lr: 0.1, momentum: 0.9, lr_in_buffer: true, weight_decay: 0.001}\n  schedule: {type: step, step_size: 4, gamma: 0.5}',
  ],
  [
    'solver_type: NESTEROV momentum: 0.8 lr_policy: "poly" power: 2',
    'optimizer: {type: nesterov, lr: 0.1, momentum: 0.8, lr_in_buffer: true}\n  schedule: {type: poly, power: 2}',
  ],
  [
    'solver_type: 2 delta: 1e-6 lr_policy: "exp" gamma: 0.9',
    'optimizer: {type: adagrad, lr: 0.1, epsilon: 0.000001}\n  schedule: {type: exponential, gamma: 0.9}',
  ],
  [
    'type: "RMSProp" rms_decay: 0.98 lr_policy: "multistep" stepvalue: 3 stepvalue: 20',
    'optimizer: {type: rmsprop, lr: 0.1, rho: 0.98}\n  schedule: {type: multistep, milestones: [3]}',
  ],
  [
    'type: "AdaDelta" momentum: 0.95 delta: 1e-6 lr_policy: "sigmoid" gamma: -0.1 stepsize: 5',
    'optimizer: {type: adadelta, lr: 0.1, rho: 0.95}\n  schedule: {type: sigmoid, step_size: 5, gamma: -0.1}',
  ],
  [
    'type: "Adam" momentum: 0.9 momentum2: 0.99 regularization_type: "L1" weight_decay: 0.1',
    'optimizer: {type: adam, lr: 0.1, beta2: 0.99, epsilon_hat: true, l1: 0.1}',
  ],
  // The bound is on the sum of the passes there, on their mean here.
  [
    'iter_size: 4 clip_gradients: 40',
    'batch_size: 32\n  steps: 10\n  optimizer: {type: sgd, lr: 0.1}\n  accumulate: 4\n  clip: {global_norm: 10}',
  ],
])('solver %s', async (solver, expected) => {
  const { text } = await read([LEARNING, `base_lr: 0.1 max_iter: 10 ${solver}`]);
  expect(text).toContain(expected);
});

test('a net for training and one for prediction are one model', async () => {
  const deploy = `${input(1, 3, 4, 4)} layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 7 } }
    layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }`;
  const { text, spec } = await read([deploy, LEARNING]);
  expect(text).toContain('outputs: [prob]');
  expect(spec.inputs.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
    ['data', 'f32', ['N', 3, 4, 4]],
    ['label', 'i32', ['N']],
  ]);
});

test('layers whose parameters have one name share them', async () => {
  const ip = (name: string, bottom: string): string =>
    `layer { name: "${name}" type: "InnerProduct" bottom: "${bottom}" top: "${name}" param { name: "w" } param { name: "b" } inner_product_param { num_output: 4 } }`;
  const net = `${input(1, 4)} ${ip('one', 'data')} ${ip('two', 'one')}`;
  const values = [blob([4, 4], Array<number>(16).fill(1)), blob([4], [1, 2, 3, 4])];
  const made = await read(
    [net],
    [
      { name: 'one', type: '', blobs: values },
      { name: 'two', type: '', blobs: values },
    ],
  );
  expect(layersOf(made)[1]).toBe('{name: two, type: dense, units: 4, share: one}');
  expect([...made.tensors.keys()]).toEqual(['one.weight', 'one.bias']);
});

test.each([false, true])(
  'an LSTM with markers gives what its definition says, with states given: %s',
  async (given) => {
    const [steps, batch, features, units] = [3, 2, 4, 5];
    const random = generator(7);
    const some = (n: number): number[] => Array.from({ length: n }, () => random() * 2 - 1);
    const [wx, b, wh] = [some(4 * units * features), some(4 * units), some(4 * units * units)];
    const net = `name: "net" input: "x" input_shape { dim: ${steps} dim: ${batch} dim: ${features} }
    input: "cont" input_shape { dim: ${steps} dim: ${batch} }
    ${given ? ['h0', 'c0'].map((name) => `input: "${name}" input_shape { dim: 1 dim: ${batch} dim: ${units} }`).join('\n') : ''}
    layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "lstm"
      ${given ? 'bottom: "h0" bottom: "c0" top: "hT" top: "cT"' : ''}
      recurrent_param { num_output: ${units} ${given ? 'expose_hidden: true' : ''} } }`;
    const blobs = [blob([4 * units, features], wx), blob([4 * units], b), blob([4 * units, units], wh)];
    const model = await opened(await read([net], [{ name: 'lstm', type: 'LSTM', blobs }]));
    const x = some(batch * steps * features);
    // The first sample goes on from the states that are given.
    const cont = [given ? 1 : 0, 1, 1, 0, 0, 1];
    const [h0, c0] = [some(units), some(units)];
    const expected: number[] = [];
    const last: number[][] = [];
    for (let n = 0; n < batch; n++) {
      let h = given ? h0 : Array<number>(units).fill(0);
      let c = given ? c0 : Array<number>(units).fill(0);
      for (let t = 0; t < steps; t++) {
        const kept = cont[n * steps + t]!;
        const gate = (row: number): number =>
          b[row]! +
          x
            .slice((n * steps + t) * features, (n * steps + t + 1) * features)
            .reduce((sum, v, k) => sum + v * wx[row * features + k]!, 0) +
          h.reduce((sum, v, k) => sum + kept * v * wh[row * units + k]!, 0);
        const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));
        // Gates i, f, o, g, as Caffe orders them.
        const next = c.map(
          (old, u) => sigmoid(gate(units + u)) * old * kept + sigmoid(gate(u)) * Math.tanh(gate(3 * units + u)),
        );
        h = next.map((value, u) => sigmoid(gate(2 * units + u)) * Math.tanh(value));
        c = next;
        expected.push(...h);
      }
      last.push([...h, ...c]);
    }
    for (let n = 0; n < batch; n++) {
      const state = (data: number[]) =>
        ({ dtype: 'f32', shape: [1, 1, units], data: Float32Array.from(data) }) as const;
      const { lstm, ...after } = await model.predict({
        ...(given ? { h0: state(h0), c0: state(c0) } : {}),
        x: {
          dtype: 'f32',
          shape: [1, steps, features],
          data: Float32Array.from(x.slice(n * steps * features, (n + 1) * steps * features)),
        },
        cont: { dtype: 'f32', shape: [1, steps], data: Float32Array.from(cont.slice(n * steps, (n + 1) * steps)) },
      });
      expect(distance(lstm!.data, expected.slice(n * steps * units, (n + 1) * steps * units))).toBeLessThan(1e-5);
      if (given) {
        const [h, c] = Object.values(after);
        expect(h!.shape).toEqual([1, 1, units]);
        expect(distance([...h!.data, ...c!.data], last[n]!)).toBeLessThan(1e-5);
      }
    }
    model.close();
  },
);

test("Reorg puts channels where Darknet's loops put them", async () => {
  const [channels, size, stride] = [8, 4, 2];
  const made = await read([
    `${input(1, channels, size, size)} layer { name: "r" type: "Reorg" bottom: "data" top: "r" reorg_param { stride: ${stride} } }`,
  ]);
  const data = Float32Array.from({ length: channels * size * size }, (_, i) => i);
  const expected = new Float32Array(data.length);
  const inner = channels / (stride * stride);
  for (let k = 0; k < channels; k++)
    for (let j = 0; j < size; j++)
      for (let i = 0; i < size; i++) {
        const offset = Math.floor(k / inner);
        const [w, h] = [i * stride + (offset % stride), j * stride + Math.floor(offset / stride)];
        expected[i + size * (j + size * k)] = data[w + size * stride * (h + size * stride * (k % inner))]!;
      }
  const model = await opened(made);
  const { r } = await model.predict({ data: { dtype: 'f32', shape: [1, channels, size, size], data } });
  model.close();
  expect(r!.shape).toEqual([1, channels * 4, size / 2, size / 2]);
  expect(distance(r!.data, expected)).toBe(0);
});

test('a mean image becomes the mean of each channel, and its colours turn round', async () => {
  const net = `name: "net"
    layer { name: "d" type: "ImageData" top: "data" top: "label"
      image_data_param { source: "list.txt" batch_size: 2 root_folder: "images/" new_height: 8 new_width: 8 }
      transform_param { scale: 0.5 mean_file: "mean.npy" mirror: true } }
    layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 5 } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" }`;
  const mean = written(
    encodeNpy({ dtype: 'f32', shape: [3, 1, 2], data: Float32Array.from([1, 3, 10, 30, 100, 300]) }),
    '.npy',
  );
  const { text } = await imported([written(net), mean, written('base_lr: 0.1 max_iter: 5')]);
  expect(text).toContain(
    'train: {type: table, file: list.txt, delimiter: " ", header: false, columns: {data: {column: 0, kind: image, root: images/, scale: 0.5, mean: [100, 10, 1], augment: {flip: horizontal}}, label: {column: 1}}}',
  );
});

test.each([
  [
    `${input(1, 3, 9, 9)}\nlayer { name: "roi" type: "ROIWarping" bottom: "data" top: "roi" }`,
    'ROIWarping has no counterpart',
    3,
  ],
  [
    `${input(1, 3, 9, 9)}\nlayer { name: "c" type: "ReLU" bottom: "data" top: "c"\n  relu_param { slope: 2 } }`,
    'the field `slope`',
    4,
  ],
  [
    `${input(1, 3, 9, 9)}\nlayer { name: "py" type: "Python" bottom: "data" top: "py"\n  python_param { module: "m" layer: "L" } }`,
    'code in Python (m.L)',
    3,
  ],
  [
    `${input(1, 3, 9, 9)}\nlayer { name: "c" type: "Convolution" bottom: "dat" top: "c" convolution_param { num_output: 2 kernel_size: 3 } }`,
    'reads `dat`',
    3,
  ],
  [
    'name: "net"\nlayer { name: "d" type: "Data" top: "data" top: "label" }\nlayer { name: "c" type: "ReLU" bottom: "data" top: "c" }',
    'nothing says the shape',
    2,
  ],
])('what cannot be said is located: %#', async (net, problem, line) => {
  const error: unknown = await read([net]).catch((thrown: unknown) => thrown);
  if (!(error instanceof SpecError)) throw error;
  expect(error.diagnostics[0]!.message).toContain(problem);
  expect(error.diagnostics[0]!.at.line).toBe(line);
});

const CLASSIFIER = `${input(1, 2)}
  layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 3 } }
  layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }`;
const FC: WeightLayer = {
  name: 'fc',
  type: 'InnerProduct',
  blobs: [blob([3, 2], [1, 2, 3, 4, 5, 6]), blob([3], [0, 0, 0])],
};
const MAP = `item { name: "none" label: 0 display_name: "background" }
  item { name: "n1" label: 2 display_name: "bus" }`;

test.each([
  ['.prototxt', MAP, ['background', '', 'bus']],
  [
    '_synset_words.txt',
    'n01440764 tench, Tinca tinca\nn01443537 goldfish\n\nn1 other\n',
    ['tench, Tinca tinca', 'goldfish', 'n1 other'],
  ],
  ['.names', 'a\r\nb\nc', ['a', 'b', 'c']],
])('names of classes (%s) go with the weights, into the account and into a remark', async (ending, text, names) => {
  const weights = written(writeNet({ name: 'net', layers: [FC] }), '.caffemodel');
  const file = written(text, ending);
  const made = await imported([written(CLASSIFIER), weights, file]);
  expect(made.learned).toEqual({ label: { kind: 'classes', names } });
  expect(made.text).toContain(`# Classes, from 0: ${names.map((name) => name || '?').join(', ')}.`);
  expect(made.entries).toContainEqual({
    kind: 'setting',
    source: `3 classes in ${file}`,
    fate: 'mapped',
    to: 'names in the weights',
  });
});

test('a label map that a net names and nobody gave is in the account, and one of no classes is refused', async () => {
  const lost = `name: "net" layer { name: "d" type: "AnnotatedData" top: "data" top: "label"
    transform_param { resize_param { height: 4 width: 4 } } data_param { source: "lmdb" batch_size: 2 }
    annotated_data_param { label_map_file: "data/labelmap.prototxt" } }
    layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 3 } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" }`;
  expect((await read([lost])).entries).toContainEqual({
    kind: 'setting',
    source: 'label_map_file: data/labelmap.prototxt',
    fate: 'dropped',
    reason: 'the file was not given; with it the classes have names',
  });
  await expect(read([CLASSIFIER, 'item { name: "x" label: 4294967296 }'])).rejects.toThrow(SpecError);
});

test('databases and HDF5 become the files that they can be written out to, which the account tells', async () => {
  const net = (layer: string, shape = ''): string => `name: "net" ${layer}
    layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 3 } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" } ${shape}`;
  const database = await read([
    net(`layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TRAIN }
      transform_param { scale: 0.5 mirror: true crop_size: 4 mean_value: 1 mean_value: 2 mean_value: 3 }
      data_param { source: "examples/train_lmdb" batch_size: 8 backend: LMDB } }
      layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TEST }
      transform_param { crop_size: 4 } data_param { source: "examples/test_lmdb" batch_size: 4 } }`),
  ]);
  expect(database.text).toContain(
    'train: {type: image_folder, path: examples/train_lmdb, scale: 0.5, mean: [1.5, 1, 0.5], augment: {flip: horizontal}}',
  );
  expect(database.text).toContain('eval: {type: image_folder, path: examples/test_lmdb}');
  expect(database.entries.find(({ source }) => source.includes('train_lmdb'))!.reason).toMatch(
    /databases .* are not read: .* blue first; images are resized/,
  );
  const hdf5 = net(`layer { name: "d" type: "HDF5Data" top: "data" top: "label"
    hdf5_data_param { source: "data/train.txt" batch_size: 10 shuffle: true } }`);
  const arrays = await read([hdf5], [], { inputs: new Map([['data', ['N', 4]]]) });
  expect(arrays.text).toContain(
    'train: {type: npy, arrays: {data: data/train.data.npy, label: data/train.label.npy}, shuffle: true}',
  );
});
