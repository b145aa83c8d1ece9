/** Models of the zoo, exported to ONNX and imported again: what comes back predicts the same. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Known } from '../../../compiler/interop/formats/onnx/tensor';
import { ELEM } from '../../../compiler/interop/formats/onnx/types';
import { programName } from '../../../compiler/train/programs';
import { openTrained } from '../../../compiler/train/trained';
import { runtimeWith } from '../../support/native';
import { SMALL } from '../../models/small';
import { exportOnnx, inputsFor } from '../../support/onnx';
import { differences, importOnnx, type Sample } from './corpus';

jest.setTimeout(120_000);

/** One of each kind that takes little time. */
const MODELS = [
  ...['lenet', 'text_cnn', 'text_lstm', 'text_gru', 'text_transformer', 'char_lstm_scan', 'wav_cnn'],
  ...['wide_and_deep', 'matrix_factorization', 'squeezenet1_1', 'mobilenet_v2', 'swin_tiny', 'fcn8s', 'gpt_small'],
  'seq2seq_attention',
];

const BATCH = 2;

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-onnx-roundtrip-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test.each(MODELS)('%s', async (name) => {
  const file = path.resolve('models', `${name}.yaml`);
  const exported = await exportOnnx(file, folder, { overrides: SMALL[name] ?? [] });
  const { session } = await openTrained(exported.spec, { predict: [BATCH] }, exported.weights, runtimeWith(1));
  const program = session.program(programName('predict', BATCH));
  const inputs = inputsFor(exported.spec, program.inputs);
  const given = Object.fromEntries(inputs.map(({ name: port, data }) => [port, data]));
  const native = await session.run(program.name, 1, given);
  session.close();
  if (!native.ok) throw new Error(native.message);
  const known = (shape: readonly number[], data: ArrayLike<number | bigint>): Known => ({
    elem: ELEM.float,
    shape,
    data: Float64Array.from(data, Number),
  });
  const sample: Sample = {
    inputs: new Map(inputs.map(({ name: port, shape, data }) => [port, known(shape, data)])),
    outputs: exported.model.graph!.outputs.map((output) => {
      const { shape } = program.outputs.find((port) => port.name === output.name)!;
      return known(shape, native.outputs[output.name]!);
    }),
  };
  const imported = await importOnnx(exported.file);
  expect(imported.warnings).toEqual([]);
  expect(await differences(imported, sample)).toEqual([]);
});
