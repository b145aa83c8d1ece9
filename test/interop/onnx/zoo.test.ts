/**
 * Models of the zoo, exported and run by ONNX Runtime beside `dlc predict`: those that are small as they are, of the others
 * one of each family, cut down. `npm run soak -- --only onnx_zoo` has all of them at their full size.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SMALL } from '../../models/small';
import { compareOnnx, exportOnnx, needsOnnxRuntime } from '../../support/onnx';

jest.setTimeout(120_000);

const AS_THEY_ARE = [
  ...[
    'lenet',
    'mlp',
    'cifar10_quick',
    'resnet20',
    'autoencoder',
    'siamese',
    'vae',
    'gan',
    'dcgan',
    'rbm_cd',
    'rbm_pcd',
  ],
  ...['text_cnn', 'text_lstm', 'text_gru', 'text_transformer', 'char_lstm', 'char_lstm_scan', 'deep_speech', 'wav_cnn'],
  ...['tabular_mlp', 'wide_and_deep', 'matrix_factorization'],
];
/** They draw what they begin with: no input tells the batch. */
const WITHOUT_INPUTS = new Set(['gan', 'dcgan']);

const folder = mkdtempSync(path.join(tmpdir(), 'dlc-onnx-zoo-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test.each([...AS_THEY_ARE, ...Object.keys(SMALL)])('%s predicts the same', async (name) => {
  const file = path.resolve('models', `${name}.yaml`);
  const exported = await exportOnnx(file, folder, { overrides: SMALL[name] ?? [] });
  const fixed = WITHOUT_INPUTS.has(name);
  expect(exported.remarks).toHaveLength(fixed ? 1 : 0);
  expect([...exported.model.opsets.keys()].filter((domain) => domain !== 'dlc')).toEqual(['']);
  expect(exported.model.opsets.get('')).toBe(18);
  if (needsOnnxRuntime()) expect(await compareOnnx(exported, fixed ? 1 : 2)).toBeLessThan(1e-5);
});
