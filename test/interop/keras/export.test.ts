/**
 * Models as Keras: what `dlc export` writes is read back by `dlc import` and computes the same, and Keras itself loads it
 * where this machine has it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodeNpy, type NpyArray } from '../../../compiler/data/npy';
import { SpecError } from '../../../compiler/diagnostics/errors';
import { loadSpecText } from '../../../compiler/frontend/load';
import { keras } from '../../../compiler/interop/export/keras';
import { importModel } from '../../../compiler/interop/import/import';
import { startedModel } from '../../support/started-model';
import { distance, run } from './corpus';

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-keras-export-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PYTHON = process.env.DLC_PYTHON ?? 'python3';
const probe = 'import keras, sys; sys.exit(keras.__version__ < "3")';
const env = { KERAS_BACKEND: 'jax', ...process.env };
const hasKeras = spawnSync(PYTHON, ['-c', probe], { env }).status === 0;

const model = (name: string, shape: string, layers: readonly string[]): string =>
  [
    'dlc: 1',
    `name: ${name}`,
    `inputs: {x: {shape: ${shape}}}`,
    'layers:',
    ...layers.map((layer) => `  - ${layer}`),
    'outputs: [y]',
    '',
  ].join('\n');

/** Small models with what the zoo has not. */
const SMALL: Readonly<Record<string, string>> = {
  convolutions: model('convolutions', '[N, 4, 11, 9]', [
    '{name: a, type: conv2d, filters: 6, kernel: 3, stride: 2, padding: 1, groups: 2, activation: relu}',
    '{name: b, type: depthwise_conv2d, kernel: 3, multiplier: 2, padding: same, activation: {type: leaky_relu, slope: 0.2}}',
    '{name: c, type: separable_conv2d, filters: 5, kernel: [1, 3], dilation: [1, 2], padding: [0, 2]}',
    '{name: d, type: conv_transpose2d, filters: 3, kernel: 4, stride: 2, padding: 1, bias: false}',
    '{name: e, type: batch_norm, activation: relu}',
    '{name: f, type: max_pool2d, kernel: 3, stride: 2, padding: 1}',
    '{name: g, type: avg_pool2d, kernel: 2, stride: 1, padding: 1}',
    '{name: h, type: upsample2d, scale: 2}',
    '{name: i, type: crop2d, cropping: [[1, 0], [0, 2]]}',
    '{name: y, type: dense, units: 3, activation: softmax}',
  ]),
  sequences: model('sequences', '[N, 6, 5]', [
    '{name: a, type: lstm, units: 4, bidirectional: true}',
    '{name: b, type: layer_norm}',
    '{name: c, type: multi_head_attention, heads: 2}',
    '{name: d, type: add, inputs: [b, c]}',
    '{name: e, type: gru, units: 3}',
    '{name: f, type: gru, units: 3, reset_after: false}',
    '{name: g, type: dense, units: 5, axis: -1, activation: gelu}',
    '{name: h, type: permute, axes: [0, 2, 1]}',
    '{name: i, type: conv1d, filters: 4, kernel: 3, padding: causal}',
    '{name: y, type: rnn, units: 3, return: last}',
  ]),
  branches: model('branches', '[N, 3, 8, 8]', [
    '{name: a, type: conv2d, filters: 4, kernel: 3, padding: same}',
    '{name: b, type: flatten}',
    '{name: c, type: max_pool2d, inputs: a, kernel: 2}',
    '{name: d, type: flatten}',
    '{name: e, type: concat, inputs: [b, d]}',
    '{name: f, type: batch_norm}',
    '{name: g, type: dense, units: 4, inputs: e, activation: tanh}',
    '{name: h, type: dense, units: 4, inputs: f, share: g, activation: tanh}',
    '{name: i, type: mul, inputs: [g, h]}',
    '{name: gate, type: dense, units: 4, inputs: i, activation: sigmoid}',
    '{name: y, type: scale, axis: 0, inputs: [a, gate]}',
  ]),
};

const ZOO = ['lenet', 'mlp', 'autoencoder', 'siamese', 'wav_cnn', 'cifar10_quick', 'resnet20'];

async function check(file: string): Promise<void> {
  const started = await startedModel(file, folder, { batch: 2, most: 4 });
  const { spec, ports, inputs, expected } = started;
  const { files } = await keras.run({
    spec,
    weights: started.weights,
    out: path.join(started.folder, 'net.json'),
    options: {},
  });
  expect(files.map((one) => path.basename(one))).toEqual(['net.json', 'net.weights.h5']);
  const arrays = ports.inputs.map(({ dtype, shape }, i) => ({ dtype, shape, data: inputs[i]! }));
  const goldens = ports.outputs.map(({ dtype, shape }, i) => ({ dtype, shape, data: expected[i]! }));

  // Read back: images have their channels first again.
  const again = await importModel(files, { blocks: false });
  const text = again.text;
  const results = await run({ ...again, text: text.replaceAll('has its channels', 'has channels') }, arrays);
  results.forEach((result, i) => expect(distance(result, goldens[i]!)).toBeLessThan(1e-5));

  if (!hasKeras) return;
  const save = (array: NpyArray, kind: string, place: number, name: string) => {
    const saved = `${kind}${place}.npy`;
    writeFileSync(path.join(started.folder, saved), encodeNpy(array));
    return { name, file: saved, last: text.includes(`${kind} ${name} has its channels first`) };
  };
  const names = again.spec.outputs;
  const told = {
    inputs: arrays.map((array, i) => save(array, 'input', i, ports.inputs[i]!.name)),
    outputs: goldens.map((array, i) => save(array, 'output', i, names[i]!)),
  };
  writeFileSync(path.join(started.folder, 'case.json'), JSON.stringify(told));
  const { status, stdout, stderr } = spawnSync(PYTHON, [path.join(__dirname, 'load.py'), started.folder], {
    encoding: 'utf8',
    env,
  });
  expect(`${status} ${status === 0 ? '' : stderr.slice(-1500)}`).toBe('0 ');
  expect(Number(stdout.trim().split('\n').at(-1))).toBeLessThan(1e-5);
}

beforeAll(() => {
  if (!hasKeras) console.log(`SKIPPED: Keras itself, which ${PYTHON} lacks (DLC_PYTHON names another)`);
});

test.each(Object.keys(SMALL))(
  '%s',
  async (name) => {
    const file = path.join(folder, `${name}.yaml`);
    writeFileSync(file, SMALL[name]!);
    await check(file);
  },
  120_000,
);

test.each(ZOO)('%s of the zoo', (name) => check(`models/${name}.yaml`), 120_000);

test.each<[string, string, RegExp]>([
  ['{name: y, type: lrn}', '[N, 4, 5, 5]', /layer `y` \(lrn\) has no counterpart in Keras/],
  ['{name: y, type: max_pool2d, kernel: 3, stride: 3, padding: 1}', '[N, 4, 5, 5]', /Keras pads with zeros/],
  ['{name: y, type: lstm, units: 2, layers: 2}', '[N, 4, 5]', /several `layers`/],
  ['{name: y, type: gelu, approximate: tanh}', '[N, 4, 5]', /as Python code only/],
])('%s is refused where it stands', async (layer, shape, message) => {
  const spec = loadSpecText(model('m', shape, ['{type: identity}', layer]), 'm.yaml');
  const file = path.join(folder, 'm.yaml');
  writeFileSync(file, model('m', shape, ['{type: identity}', layer]));
  const error: unknown = await startedModel(file, folder)
    .then(({ weights }) => keras.run({ spec, weights, out: path.join(folder, 'm.json'), options: {} }))
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SpecError);
  const [first] = (error as SpecError).diagnostics;
  expect(first).toMatchObject({ code: 'export-unsupported', at: { line: 6 } });
  expect(first!.message).toMatch(message);
});
