/** Operators that draw at random: no vectors tell their numbers, so what is written of them is compared. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodeModel, type OnnxAttribute } from '../../../compiler/interop/formats/onnx/encode';
import { ELEM } from '../../../compiler/interop/formats/onnx/types';
import { importOnnx } from './corpus';

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-onnx-random-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const CASES: readonly (readonly [string, Readonly<Record<string, OnnxAttribute>>, readonly string[], string])[] = [
  ['RandomNormal', { shape: [3, 4], scale: { float: 2 } }, [], 'type: random_normal, shape: [3, 4], std: 2'],
  ['RandomNormalLike', { mean: { float: 1 } }, ['x'], 'type: random_normal, inputs: x, mean: 1'],
  ['RandomUniform', { shape: [3, 4], low: { float: -1 } }, [], 'type: random_uniform, shape: [3, 4], low: -1'],
  ['RandomUniformLike', {}, ['x'], 'type: random_uniform, inputs: x'],
  ['Bernoulli', {}, ['x'], 'type: bernoulli'],
];

test.each(CASES)('%s', async (op, attributes, inputs, written) => {
  const port = (name: string) => ({ name, elem: ELEM.float, shape: [3, 4] });
  const graph = {
    name: 'one',
    nodes: [{ name: 'y', op, inputs, outputs: ['y'], attributes }],
    initializers: [],
    inputs: [port('x')],
    outputs: [port('y')],
  };
  const model = { irVersion: 9, producer: 'test', producerVersion: '', opset: 18, graph, functions: [], metadata: {} };
  const file = path.join(folder, `${op}.onnx`);
  writeFileSync(file, Buffer.concat(encodeModel(model)));
  const { text, entries } = await importOnnx(file);
  expect(text.replace('inputs: [x]', 'inputs: x')).toContain(written);
  expect(entries.map(({ reason }) => reason)).toContain('draws by the seed of the model: other numbers than elsewhere');
});
