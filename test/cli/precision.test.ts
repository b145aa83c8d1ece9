/** `--precision` on the command line, and what of a run depends on it: steps and predictions, no file. */
import { writeFileSync } from 'node:fs';
import { encodeNpy, readNpy } from '../../compiler/data/npy';
import { load } from '../../compiler/train/load';
import { ModelFolder, TINY, type Outcome } from '../support/cli';

const folder = new ModelFolder(
  TINY.replace('- {name: logits', '- {name: wide, type: dense, units: 32, activation: tanh}\n  - {name: logits'),
);
const WEIGHTS = 'narrow/weights.h5';
const INPUT = ['--input', 'image=x.npy'];
const NARROW = ['--precision', 'bfloat16'];
const DATA = Float32Array.from({ length: 5 * 36 }, (_, i) => ((i * 37) % 64) / 64);

const ok = async (...args: string[]): Promise<Outcome> => {
  const outcome = await folder.dlc(args);
  expect(outcome).toMatchObject({ code: 0 });
  return outcome;
};
const numbersOf = async (...file: string[]): Promise<number[]> =>
  Array.from((await readNpy(folder.at(...file))).data, Number);
const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

beforeAll(async () => {
  await folder.train('wide', '--precision', 'float32');
  await folder.train('narrow', ...NARROW);
  writeFileSync(folder.at('x.npy'), encodeNpy({ dtype: 'f32', shape: [5, 1, 6, 6], data: DATA }));
});
afterAll(() => folder.remove());

it('trains nearly what float32 trains, and says in the kept model how', () => {
  expect(folder.text('narrow/model.yaml')).toContain('precision: bfloat16');
  const [wide, narrow] = ['wide', 'narrow'].map((run) =>
    folder.lines(run, 'metrics.jsonl').map(({ loss }) => Number(loss)),
  );
  expect(wide).not.toEqual(narrow);
  expect(distance(wide!, narrow!)).toBeLessThan(0.05);
});

it('predicts nearly what float32 predicts, which is what it does unless it is asked', async () => {
  await ok('predict', 'model.yaml', '--weights', WEIGHTS, ...INPUT, '--out', 'plain');
  await ok('predict', 'narrow/model.yaml', '--weights', WEIGHTS, ...INPUT, '--out', 'unasked');
  await ok('predict', 'model.yaml', '--weights', WEIGHTS, ...INPUT, '--out', 'asked', ...NARROW);
  const plain = await numbersOf('plain', 'probs.npy');
  expect(await numbersOf('unasked', 'probs.npy')).toEqual(plain);
  const asked = await numbersOf('asked', 'probs.npy');
  expect(asked).not.toEqual(plain);
  expect(distance(asked, plain)).toBeLessThan(0.02);
});

it('is compiled into a bundle, and is an option of load', async () => {
  await ok('compile', 'model.yaml', '--weights', WEIGHTS, '--batch', '5', ...NARROW, '-o', 'm.dlcb');
  await ok('predict', 'm.dlcb', ...INPUT, '--out', 'bundle');
  await ok('predict', 'model.yaml', '--weights', WEIGHTS, ...INPUT, '--out', 'asked', ...NARROW);
  const expected = await numbersOf('asked', 'probs.npy');
  expect(await numbersOf('bundle', 'probs.npy')).toEqual(expected);
  const model = await load(folder.at(WEIGHTS), { batch: 5, threads: 1, precision: 'bfloat16' });
  const { probs } = await model.predict({ image: { dtype: 'f32', shape: [5, 1, 6, 6], data: DATA } });
  model.close();
  expect(probs).toMatchObject({ dtype: 'f32', shape: [5, 3] });
  expect(Array.from(probs!.data, Number)).toEqual(expected);
  await expect(load(folder.at('m.dlcb'), { precision: 'float32' })).rejects.toThrow('precision');
  await expect(load(folder.at(WEIGHTS), { precision: 'bf16' as 'bfloat16' })).rejects.toThrow('bfloat16');
});

it('evaluates as the file says, or as it is told', async () => {
  const lossOf = ({ stdout }: Outcome): number => (JSON.parse(stdout) as { loss: number }).loss;
  const narrow = lossOf(await ok('eval', 'narrow/model.yaml', '--weights', WEIGHTS, '--json'));
  expect(lossOf(await ok('eval', 'model.yaml', '--weights', WEIGHTS, '--json', ...NARROW))).toBe(narrow);
  const wide = lossOf(await ok('eval', 'narrow/model.yaml', '--weights', WEIGHTS, '--json', '--precision', 'float32'));
  expect(lossOf(await ok('eval', 'model.yaml', '--weights', WEIGHTS, '--json'))).toBe(wide);
  expect(wide).not.toBe(narrow);
});

it('is measured, inspected and compiled', async () => {
  const { stdout } = await ok('bench', 'model.yaml', '--seconds', '1', '--json', ...NARROW);
  expect(JSON.parse(stdout)).toMatchObject({ mode: 'train', batch: 8 });
  expect((await ok('inspect', 'model.yaml', ...NARROW)).stdout).toContain('peak memory at batch 8');
  expect((await ok('compile', 'model.yaml', '--program', 'predict', ...NARROW)).stdout).toContain('bf16[');
  expect((await ok('compile', 'model.yaml', '--program', 'predict')).stdout).not.toContain('bf16[');
});

it('may be another one where a run goes on, with a word about it', async () => {
  await folder.train('changing', ...NARROW, 'train.epochs=1');
  const { stderr } = await ok('train', 'model.yaml', '--resume', '--run-dir', 'changing', '--precision', 'float32');
  expect(stderr).toContain('`train.precision`');
  const losses = folder.lines('changing', 'metrics.jsonl').filter(({ split }) => split === 'train');
  expect(losses).toHaveLength(12);
});
