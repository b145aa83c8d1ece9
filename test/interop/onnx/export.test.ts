/** `dlc export --format onnx`: what the file says, and that ONNX Runtime computes with it what `dlc predict` computes. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SpecError } from '../../../compiler/diagnostics/errors';
import { onnx } from '../../../compiler/interop/export/onnx';
import { readModel } from '../../../compiler/interop/formats/onnx/wire';
import { loadWeights, saveWeights } from '../../../compiler/weights/files';
import { compareOnnx, exportOnnx, needsOnnxRuntime } from '../../support/onnx';

jest.setTimeout(120_000);

const CLOSE = 1e-5;
const folder = mkdtempSync(path.join(tmpdir(), 'dlc-onnx-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const zoo = (name: string): string => path.resolve(__dirname, `../../../models/${name}.yaml`);

function written(name: string, text: string): string {
  const file = path.join(folder, `${name}.yaml`);
  writeFileSync(file, text);
  return file;
}

describe('lenet', () => {
  test('is the graph that one would draw', async () => {
    const { model } = await exportOnnx(zoo('lenet'), folder);
    expect(model.irVersion).toBe(10);
    expect([...model.opsets]).toEqual([['', 18]]);
    expect(model.producer).toBe('dlc');
    expect(model.graph!.nodes.map(({ op, outputs }) => `${op} ${outputs.join(' ')}`)).toEqual([
      'Conv conv1',
      'MaxPool pool1',
      'Conv conv2',
      'MaxPool pool2',
      'Reshape fc1/Reshape',
      'Gemm fc1/Gemm',
      'Relu fc1',
      'Gemm logits',
      'Softmax probs',
    ]);
    expect(model.graph!.inputs.map(({ name, type }) => [name, type.shape])).toEqual([['image', ['batch', 1, 28, 28]]]);
    expect(model.graph!.outputs.map(({ name, type }) => [name, type.shape])).toEqual([['probs', ['batch', 10]]]);
    expect(model.metadata.get('model_name')).toBe('lenet');
    expect(model.metadata.get('input.scale')).toBe('0.00390625');
  });

  test.each([1, 2, 7])('predicts the same for a batch of %d', async (batch) => {
    const exported = await exportOnnx(zoo('lenet'), folder);
    if (needsOnnxRuntime()) expect(await compareOnnx(exported, batch)).toBeLessThan(CLOSE);
  });

  test('is the same bytes each time', async () => {
    const first = readFileSync((await exportOnnx(zoo('lenet'), folder)).file);
    const second = readFileSync((await exportOnnx(zoo('lenet'), folder)).file);
    expect(second.equals(first)).toBe(true);
  });

  test('has a fixed batch where one is asked for', async () => {
    const exported = await exportOnnx(zoo('lenet'), folder, { batch: 4 });
    expect(exported.model.graph!.inputs[0]!.type.shape).toEqual([4, 1, 28, 28]);
    if (needsOnnxRuntime()) expect(await compareOnnx(exported, 4)).toBeLessThan(CLOSE);
  });

  test('has its weights in a file beside it where that is asked for', async () => {
    const exported = await exportOnnx(zoo('lenet'), folder, { options: { weights: 'external' } });
    const weight = exported.model.graph!.initializers.find(({ name }) => name === 'fc1.weight')!;
    expect(weight.isExternal).toBe(true);
    expect(Object.fromEntries(weight.external)).toMatchObject({ location: 'lenet.onnx.data', length: '1600000' });
    expect(Number(weight.external.get('offset')) % 64).toBe(0);
    if (needsOnnxRuntime()) expect(await compareOnnx(exported, 3)).toBeLessThan(CLOSE);
    rmSync(`${exported.file}.data`);
  });
});

test('class names that the weights know are a property of the file', async () => {
  const { spec, weights } = await exportOnnx(zoo('mlp'), folder);
  const { tensors } = await loadWeights(weights!);
  const learned = { label: { kind: 'classes', names: ['cat', 'dog'] } };
  await saveWeights(weights!, { tensors, spec: spec.resolved, learned });
  const out = path.join(folder, 'labelled.onnx');
  await onnx.run({ spec, weights: weights!, out, options: {} });
  expect(readModel(readFileSync(out)).metadata.get('labels.label')).toBe('["cat","dog"]');
});

test('random layers draw for another seed where it is given', async () => {
  const { model } = await exportOnnx(zoo('vae'), folder);
  expect(model.graph!.inputs.map(({ name }) => name)).toEqual(['image', 'rng']);
  expect(model.graph!.initializers.find(({ name }) => name === 'rng')?.dims).toEqual([2]);
  expect(model.functions.map(({ name }) => name)).toEqual(['PhiloxRound', 'Philox']);
});

test.each([
  [{ opset: '17' }, '--option opset takes 18 to 23'],
  [{ opset: '18.5' }, '--option opset takes 18 to 23'],
  [{ weights: 'nowhere' }, '--option weights takes inside or external'],
])('the setting %j is refused', async (options, message) => {
  await expect(exportOnnx(zoo('mlp'), folder, { options })).rejects.toThrow(message);
});

test.each(['18', '19', '20', '21', '22', '23'])('a file of opset %s says so and is run', async (opset) => {
  const exported = await exportOnnx(zoo('text_transformer'), folder, { options: { opset } });
  expect(exported.model.opsets.get('')).toBe(Number(opset));
  if (needsOnnxRuntime()) expect(await compareOnnx(exported, 2)).toBeLessThan(CLOSE);
});

test('a model without weights needs none', async () => {
  const file = written(
    'double',
    'name: double\ninputs:\n  x: {shape: [N, 3]}\nlayers:\n  - {name: y, type: relu}\noutputs: [y]\n',
  );
  const exported = await exportOnnx(file, folder);
  expect(exported.weights).toBeUndefined();
  if (needsOnnxRuntime()) expect(await compareOnnx(exported, 2)).toBeLessThan(CLOSE);
});

test('results that are inputs, or one value twice, have their own names', async () => {
  const layers =
    '  - {name: a, type: relu, inputs: x}\n  - {name: b, type: identity, inputs: a}\n  - {name: c, type: identity, inputs: x}';
  const file = written('twice', `name: twice\ninputs:\n  x: {shape: [N, 3]}\nlayers:\n${layers}\noutputs: [a, b, c]\n`);
  const exported = await exportOnnx(file, folder);
  expect(exported.model.graph!.outputs.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  if (needsOnnxRuntime()) expect(await compareOnnx(exported, 2)).toBe(0);
});

test('a layer that ONNX cannot say is named where it stands, and nothing is written', async () => {
  const file = written(
    'loss',
    `
name: hopeless
inputs:
  priors: {shape: [5, 4]}
  boxes: {shape: [N, 3, 4]}
  classes: {shape: [N, 3], dtype: int32}
layers:
  - {name: target, type: match_boxes, inputs: [priors, boxes, classes]}
outputs: [target.boxes]
`,
  );
  const failure = await exportOnnx(file, folder).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(SpecError);
  const [diagnostic] = (failure as SpecError).diagnostics;
  expect(diagnostic).toMatchObject({ code: 'export-unsupported', at: { file, line: 8 } });
  expect(existsSync(path.join(folder, 'hopeless.onnx'))).toBe(false);
});
