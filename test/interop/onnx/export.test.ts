/** `dlc export --format onnx`: what the file says, and that ONNX Runtime computes with it what `dlc predict` computes. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SpecError } from '../../../compiler/diagnostics/errors';
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
