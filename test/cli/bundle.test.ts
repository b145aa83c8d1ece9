/** Bundles on the command line: what is written, who reads it, and how it ends where it does not work. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encodeNpy } from '../../compiler/data/npy';
import { addonPath } from '../../compiler/native/addon';
import { execute, ModelFolder, type Outcome } from '../support/cli';

const folder = new ModelFolder();
const WEIGHTS = 'run/weights.h5';
const INPUT = ['--input', 'image=x.npy'];

const ok = async (...args: string[]): Promise<Outcome> => {
  const outcome = await folder.dlc(args);
  expect(outcome).toMatchObject({ code: 0 });
  return outcome;
};
const dlcRun = (...args: string[]): Promise<Outcome> =>
  execute(join(dirname(addonPath()), 'dlc-run'), args, { cwd: folder.path });

beforeAll(async () => {
  await folder.train('run', 'train.epochs=1');
  const data = Float32Array.from({ length: 5 * 36 }, (_, i) => ((i * 37) % 64) / 64);
  writeFileSync(folder.at('x.npy'), encodeNpy({ dtype: 'f32', shape: [5, 1, 6, 6], data }));
  await ok('compile', 'model.yaml', '--weights', WEIGHTS, '--program', 'predict', '--batch', '5,1', '-o', 'm.dlcb');
});
afterAll(() => folder.remove());

it('predicts the bytes that the model predicts, here and without Node', async () => {
  await ok('predict', 'model.yaml', '--weights', WEIGHTS, ...INPUT, '--out', 'yaml');
  await ok('predict', 'm.dlcb', ...INPUT, '--out', 'bundle');
  expect(await dlcRun('m.dlcb', '--program', 'predict@5', ...INPUT, '--out', 'tool')).toMatchObject({ code: 0 });
  const expected = folder.read('yaml', 'probs.npy');
  expect(folder.read('bundle', 'probs.npy')).toEqual(expected);
  expect(folder.read('tool', 'probs.npy')).toEqual(expected);
});

it('is made of a weight file alone too, and the same each time', async () => {
  await ok('compile', WEIGHTS, '--batch', '5,1', '-o', 'other.dlcb');
  await ok('compile', WEIGHTS, '--batch', '5,1', '-o', 'again.dlcb');
  expect(folder.read('again.dlcb')).toEqual(folder.read('other.dlcb'));
  await ok('predict', 'other.dlcb', ...INPUT, '--out', 'other');
  expect(folder.read('other', 'probs.npy')).toEqual(folder.read('yaml', 'probs.npy'));
});

it('is measured', async () => {
  const { stdout } = await ok('bench', 'm.dlcb', '--seconds', '1', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ mode: 'predict', batch: 5 });
});

it.each<[number, string, string[]]>([
  [2, 'a bundle needs weights', ['compile', 'model.yaml', '-o', 'n.dlcb']],
  [2, '--weights is for a bundle', ['compile', 'model.yaml', '--weights', WEIGHTS]],
  [2, 'no train program', ['compile', WEIGHTS, '--program', 'train', '-o', 'n.dlcb']],
  [2, 'not for a bundle', ['compile', WEIGHTS, '--emit', 'plan', '-o', 'n.dlcb']],
  [2, "'0'", ['compile', WEIGHTS, '--batch', '4,0', '-o', 'n.dlcb']],
  [2, 'comes too late', ['predict', 'm.dlcb', 'name=x', ...INPUT, '--show']],
  [2, 'comes too late', ['predict', 'm.dlcb', '--precision', 'bfloat16', ...INPUT, '--show']],
  [2, 'comes too late', ['bench', 'm.dlcb', '--precision', 'bfloat16']],
  [2, 'did you mean `bfloat16`', ['predict', 'm.dlcb', '--precision', 'bf16', ...INPUT, '--show']],
  [2, 'comes too late', ['predict', 'm.dlcb', '--weights', WEIGHTS, ...INPUT, '--show']],
  [2, 'a bundle knows no data', ['predict', 'm.dlcb', '--samples', '2', '--show']],
  [2, 'not compiled for batches of 2', ['bench', 'm.dlcb', '--batch', '2']],
  [2, 'profile the model file', ['bench', 'm.dlcb', '--profile']],
  [2, 'no train program', ['bench', 'm.dlcb', '--mode', 'train']],
  [1, 'there is no such file', ['predict', 'none.dlcb', ...INPUT, '--show']],
  [1, '`label`', ['predict', 'm.dlcb', '--input', 'label=x.npy', '--show']],
  [1, 'weights-missing', ['compile', 'model.yaml', '--weights', 'none.h5', '-o', 'n.dlcb']],
])('ends with %i and "%s" where it is used as it should not be', async (code, text, args) => {
  const outcome = await folder.dlc(args);
  expect(outcome).toMatchObject({ code, stderr: expect.stringContaining(text) as unknown });
});

it('ends with 1 where it is damaged, whoever reads it', async () => {
  const bad = readFileSync(folder.at('m.dlcb'));
  bad[bad.length - 200]! ^= 4;
  writeFileSync(folder.at('bad.dlcb'), bad);
  for (const args of [
    ['predict', 'bad.dlcb', ...INPUT, '--show'],
    ['bench', 'bad.dlcb'],
  ]) {
    expect(await folder.dlc(args)).toMatchObject({ code: 1, stderr: expect.stringContaining('checksum') as unknown });
  }
  const { code, stderr } = await dlcRun('bad.dlcb', '--list');
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/^dlc-run: bundle: corrupt: the checksum of model differs$/m),
  ]);
});
