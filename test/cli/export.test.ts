/** `dlc export` of weights: what is written predicts the same bytes, and what cannot be done says why. */
import { existsSync, writeFileSync } from 'node:fs';
import { encodeNpy } from '../../compiler/data/npy';
import { ModelFolder, type Outcome } from '../support/cli';

const folder = new ModelFolder();
const WEIGHTS = 'run/weights.h5';

const predict = (weights: string, out: string): Promise<Outcome> =>
  folder.dlc(['predict', 'model.yaml', '--weights', weights, '--input', 'image=x.npy', '--out', out]);

beforeAll(async () => {
  await folder.train('run', 'train.epochs=1');
  const data = Float32Array.from({ length: 5 * 36 }, (_, i) => ((i * 37) % 64) / 64);
  writeFileSync(folder.at('x.npy'), encodeNpy({ dtype: 'f32', shape: [5, 1, 6, 6], data }));
  expect(await predict(WEIGHTS, 'own')).toMatchObject({ code: 0 });
});
afterAll(() => folder.remove());

it.each(['safetensors', 'npz'])('weights that were written as %s predict the same bytes', async (format) => {
  const file = `w.${format}`;
  const written = await folder.dlc(['export', 'model.yaml', '--weights', WEIGHTS, '--format', format, '-o', file]);
  expect(written).toMatchObject({ code: 0, stdout: `${file}\n` });
  expect(await predict(file, format)).toMatchObject({ code: 0 });
  expect(folder.read(format, 'probs.npy')).toEqual(folder.read('own', 'probs.npy'));
});

it('the weights of another model are refused, and nothing is written', async () => {
  const outcome = await folder.dlc([
    ...['export', 'model.yaml', 'layers.fc.units=7', '--weights', WEIGHTS],
    ...['--format', 'npz', '-o', 'other.npz'],
  ]);
  expect(outcome.code).toBe(1);
  expect(existsSync(folder.at('other.npz'))).toBe(false);
});

it.each(['dot', 'svg'])('a picture as %s needs no weights', async (format) => {
  const file = `w.${format}`;
  expect(await folder.dlc(['export', 'model.yaml', '--format', format, '-o', file])).toMatchObject({ code: 0 });
  expect(folder.read(file).toString()).toContain('[N, 4, 4, 4]');
});

it.each([
  [
    ['--format', 'npz', '-o', 'none.npz', '--weights', WEIGHTS, '--collapse'],
    '--collapse is for pictures: npz is none',
  ],
  [
    ['--format', 'svg', '-o', 'none.svg', '--collapse', 'all'],
    "--collapse takes a whole number of at least 0, not 'all'",
  ],
  [['--format', 'npz', '-o', 'none.npz'], 'npz holds weights'],
  [['--format', 'npy', '-o', 'none.npy', '--weights', WEIGHTS], '--format takes onnx, c, safetensors, npz'],
  [['--format', 'npz', '-o', 'none.npz', '--weights', WEIGHTS, '--option', 'a=1'], "npz has no option 'a'"],
])('a command that cannot be meant ends with 2: %j', async (args, message) => {
  const outcome = await folder.dlc(['export', 'model.yaml', ...args]);
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toContain(message);
});
