/** A schedule that follows the evaluation, in whole runs: it acts, and a resumed run goes on as it would have. */
import { cpSync, rmSync } from 'node:fs';
import { ModelFolder } from '../support/cli';

const folder = new ModelFolder();
afterAll(() => folder.remove());
jest.setTimeout(120_000);

/** An evaluation is better only if it takes half of the loss away: mostly none is. */
const SETTINGS = [
  'train.schedule={type: plateau, factor: 0.5, patience: 1, threshold: 0.5}',
  'train.schedules={momentum: {type: plateau, factor: 0.5, patience: 0, threshold: 0.9}}',
  'train.optimizer={type: sgd, lr: 0.05, momentum: 0.9}',
  'train.evaluate.every=1',
  'train.checkpoint={every: 1, keep: 100}',
];

test('a plateau halves the rate, and a run resumed within it ends in the same bytes', async () => {
  await folder.train('whole', ...SETTINGS);
  const rates = (run: string): unknown[] =>
    folder.lines(run, 'metrics.jsonl').flatMap(({ split, lr }) => (split === 'train' ? [lr] : []));
  const expected = rates('whole');
  expect(new Set(expected).size).toBeGreaterThan(3);

  cpSync(folder.at('whole'), folder.at('part'), { recursive: true });
  rmSync(folder.at('part', 'weights.h5'));
  const late = folder.list('part', 'checkpoints').filter((name) => Number(/\d+/.exec(name)![0]) > 5);
  for (const name of late) rmSync(folder.at('part', 'checkpoints', name));
  const { stderr } = await folder.train('part', '--resume', ...SETTINGS);
  expect(stderr).toContain('goes on at step 5');
  expect(rates('part')).toEqual(expected);
  expect(folder.read('part', 'weights.h5').equals(folder.read('whole', 'weights.h5'))).toBe(true);
});
