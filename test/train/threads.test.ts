/**
 * The same bytes at any number of threads, however steps are cut into calls, and where another session goes on midway:
 * losses and figures of every step, all states at the end, then evaluation and prediction. Models of every family are cut
 * down (`test/models/small.ts`); `npm run soak -- --only threads` has every model of the zoo at its full size.
 */
import path from 'node:path';
import { SMALL } from '../models/small';
import { differences, digestsOf, FINISHED, noiseTraining, WAYS } from '../support/noise-training';

jest.setTimeout(120_000);

const BATCH = 2;

async function trainAlike(model: string, steps: number, ...settings: string[]): Promise<void> {
  const file = path.resolve(__dirname, `../../models/${model}.yaml`);
  const training = noiseTraining(file, { batch: BATCH, steps, overrides: [...(SMALL[model] ?? []), ...settings] });
  const [first, ...others] = WAYS;
  const expected = await digestsOf(training, first);
  expect(expected.end).toBe(FINISHED);
  for (const way of others) expect([way, differences(expected, await digestsOf(training, way))]).toEqual([way, []]);
}

test.each([
  ...['mlp', 'lenet', 'cifar10_quick', 'resnet20', 'siamese', 'autoencoder'],
  ...['vae', 'gan', 'dcgan', 'rbm_cd', 'rbm_pcd'],
  ...['tabular_mlp', 'wide_and_deep', 'matrix_factorization'],
  ...['char_lstm', 'char_lstm_scan', 'text_lstm', 'text_gru', 'text_transformer', 'text_cnn', 'seq2seq_attention'],
  ...['wav_cnn', 'conformer_lite', 'pointnet', 'ssd_cells'],
])('%s is the same after 20 steps', (model) => trainAlike(model, 20));

test.each([
  ...['alexnet', 'vgg16_bn', 'squeezenet1_1', 'googlenet', 'resnet18', 'densenet121', 'mobilenet_v2'],
  ...['mobilenet_v3_small', 'shufflenet_v2_x1_0', 'efficientnet_b0', 'fcn8s', 'yolo_tiny', 'vit_small', 'gpt_small'],
])('%s, which is larger, is the same after 3 steps', (model) => trainAlike(model, 3));

test.each([
  ...['mlp', 'lenet', 'resnet20', 'gan', 'char_lstm', 'text_gru', 'text_transformer', 'conformer_lite', 'unet'],
  ...['vgg16_bn', 'densenet121', 'mobilenet_v2', 'swin_tiny'],
])('%s in bfloat16 is the same after 3 steps', (model) => trainAlike(model, 3, 'train.precision=bfloat16'));
