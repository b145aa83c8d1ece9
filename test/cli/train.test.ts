/** `dlc train` as a user runs it: what is in the run folder, what a seed promises, and stopping and going on. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { parse } from 'yaml';
import { ModelFolder, SAMPLES, STEPS_PER_EPOCH, TINY, type Outcome } from '../support/cli';

const folder = new ModelFolder();
afterAll(() => folder.remove());
jest.setTimeout(120_000);

const TOTAL = 2 * STEPS_PER_EPOCH;
const weights = (runDir: string): Buffer => folder.read(runDir, 'weights.h5');

/** Stops the run as Ctrl-C does as soon as it has begun; its many steps leave no doubt that it still runs. */
async function interrupted(runDir: string, ...args: string[]): Promise<Outcome> {
  let sent = false;
  return await folder.dlc(['train', 'model.yaml', '--run-dir', runDir, ...args], {
    onStderr: (text, child) => {
      if (sent || !text.includes('planned')) return;
      sent = true;
      child.kill('SIGINT');
    },
  });
}

describe('a run', () => {
  let outcome: Outcome;
  beforeAll(async () => (outcome = await folder.train('plain')));

  it('leaves a run folder with everything in it, and says where', () => {
    expect(outcome.stdout).toContain('trained 12 steps');
    expect(outcome.stdout).toContain('plain/weights.h5  plain/report.html');
    const names = folder.list('plain').map((name) => name.replace(/^(events\.out\.tfevents)\..*/, '$1'));
    expect(names).toEqual([
      'checkpoints',
      'events.out.tfevents',
      'metrics.jsonl',
      'model.yaml',
      'report.html',
      'run.json',
      'weights.h5',
    ]);
    expect(folder.list('plain', 'checkpoints')).toEqual(['step-00000006.h5', 'step-00000012.h5']);
    expect(folder.text('plain', 'report.html')).toContain('<svg');
  });

  it('logs every step and every evaluation', () => {
    const lines = folder.lines('plain', 'metrics.jsonl');
    const train = lines.filter(({ split }) => split === 'train');
    expect(train.map(({ step, epoch }) => [step, epoch])).toEqual(
      Array.from({ length: TOTAL }, (_, i) => [i + 1, i < STEPS_PER_EPOCH ? 1 : 2]),
    );
    for (const line of train) {
      expect(Object.keys(line).sort()).toEqual(['accuracy', 'epoch', 'loss', 'lr', 'split', 'step']);
      expect(line['lr']).toBeCloseTo(0.05, 6);
    }
    const evals = lines.filter(({ split }) => split === 'eval');
    expect(evals.map(({ step, epoch }) => [step, epoch])).toEqual([
      [6, 1],
      [12, 2],
    ]);
    expect(Object.keys(evals[0]!).sort()).toEqual(['accuracy', 'epoch', 'loss', 'split', 'step']);
  });

  it('keeps the resolved model and what the run was', () => {
    const model = parse(folder.text('plain', 'model.yaml')) as Record<string, unknown>;
    expect(model).toMatchObject({ dlc: 1, name: 'tiny', train: { batch_size: 8, epochs: 2 } });
    const info = JSON.parse(folder.text('plain', 'run.json')) as Record<string, unknown>;
    expect(info).toMatchObject({ status: 'finished', seed: 0, step: TOTAL, evaluation: { accuracy: 1 } });
    expect(info['command']).toBe('dlc train model.yaml --run-dir plain');
    expect(Object.keys(info)).toEqual(expect.arrayContaining(['dlc', 'node', 'machine', 'runtime', 'planned_bytes']));
  });

  it('is HDF5 to others', () => {
    const { error, status, stdout } = spawnSync('h5dump', ['-n', folder.at('plain', 'weights.h5')], {
      encoding: 'utf8',
    });
    if (error) {
      console.log('skipped: there is no h5dump here');
      return;
    }
    expect(status).toBe(0);
    expect(stdout).toMatch(/dataset +\/weights\/conv\/weight/);
  });

  it('is not trained over by another one', async () => {
    const before = weights('plain');
    const again = await folder.dlc(['train', 'model.yaml', '--run-dir', 'plain', '--seed', '9']);
    expect([again.code, again.stderr]).toEqual([
      2,
      'dlc: plain holds a run already\n  hint: go on with --resume, or choose another folder\n',
    ]);
    expect(weights('plain').equals(before)).toBe(true);
  });

  it('that is resumed when all is done changes no byte', async () => {
    const before = weights('plain');
    const metrics = folder.text('plain', 'metrics.jsonl');
    await folder.train('plain', '--resume');
    expect(weights('plain').equals(before)).toBe(true);
    expect(folder.text('plain', 'metrics.jsonl')).toBe(metrics);
  });
});

it('gives the same bytes for the same seed, at any number of threads, and others for another', async () => {
  const runs = ['one', 'two', 'three', 'again'];
  await Promise.all(runs.map((run, i) => folder.train(run, '--threads', String((i % 3) + 1))));
  await folder.train('other', '--seed', '1');
  for (const run of runs) expect([run, weights(run).equals(weights('one'))]).toEqual([run, true]);
  expect(weights('other').equals(weights('one'))).toBe(false);
  for (const run of runs) {
    expect(folder.text(run, 'metrics.jsonl')).toBe(folder.text('one', 'metrics.jsonl'));
  }
});

it('writes the initial weights with train.steps=0, and starts from given ones', async () => {
  const outcome = await folder.train('initial', 'train.steps=0', '--json');
  expect(JSON.parse(outcome.stdout)).toMatchObject({ status: 'finished', step: 0, total_steps: 0 });
  expect(folder.lines('initial', 'metrics.jsonl')).toEqual([]);
  await folder.train('from', '--weights', 'initial/weights.h5', '--seed', '0');
  await folder.train('drawn', '--seed', '0');
  expect(weights('from').equals(weights('drawn'))).toBe(true);
});

it('goes on mid-epoch after Ctrl-C and ends in the bytes of an uninterrupted run', async () => {
  // Some thousand steps, so that the signal finds it at work; more checkpoints would only take time.
  const long = ['train.epochs=500', 'train.evaluate.every=200 epochs', 'train.checkpoint.every=450 epochs'];
  const [stopped] = await Promise.all([interrupted('stopped', ...long), folder.train('whole', ...long)]);
  expect(stopped.code).toBe(130);
  const [, step] = /stopped at step (\d+) of 3000; a checkpoint is saved. Go on with:/.exec(stopped.stderr) ?? [];
  expect(Number(step)).toBeLessThan(3000);
  const hint = stopped.stderr.trim().split('\n').at(-1)!.trim();
  expect(hint).toBe(
    `dlc train model.yaml train.epochs=500 'train.evaluate.every=200 epochs' 'train.checkpoint.every=450 epochs' --resume --run-dir stopped`,
  );
  expect(JSON.parse(folder.text('stopped', 'run.json'))).toMatchObject({ status: 'interrupted', step: Number(step) });
  const resumed = await folder.train('stopped', ...long, '--resume');
  expect(resumed.stderr).toContain(`goes on at step ${step} of 3000`);
  expect(weights('stopped').equals(weights('whole'))).toBe(true);
  expect(folder.text('stopped', 'metrics.jsonl')).toBe(folder.text('whole', 'metrics.jsonl'));
});

it('resumes from every checkpoint, within an epoch too and on more threads, to the same bytes', async () => {
  const often = ['train.checkpoint.every=5', 'train.checkpoint.keep=9'];
  await folder.train('every', ...often, '--threads', '1');
  expect(folder.list('every', 'checkpoints')).toEqual(['step-00000005.h5', 'step-00000010.h5', 'step-00000012.h5']);
  for (const step of ['05', '10']) {
    folder.write(
      `again-${step}/checkpoints/step-000000${step}.h5`,
      folder.read('every', 'checkpoints', `step-000000${step}.h5`),
    );
  }
  const resumed = await Promise.all(
    ['05', '10'].map((step) => folder.train(`again-${step}`, ...often, '--resume', '--threads', '3')),
  );
  expect(resumed[0]!.stderr).toContain('goes on at step 5 of 12');
  for (const step of ['05', '10']) expect(weights(`again-${step}`).equals(weights('every'))).toBe(true);
});

it('starts anew with --resume where no checkpoint is, and finds the newest run by itself', async () => {
  const cwd = folder.at('elsewhere');
  folder.write('elsewhere/model.yaml', TINY);
  for (const name of ['images.idx', 'labels.idx']) folder.write(`elsewhere/${name}`, folder.read(name));
  const first = await folder.dlc(['train', 'model.yaml', '--resume', 'train.epochs=1'], { cwd });
  expect(first).toMatchObject({ code: 0 });
  const again = await folder.dlc(['train', 'model.yaml', '--resume', 'train.epochs=1'], { cwd });
  expect(again.stderr).toContain('is at step 6 already, of 6 to train');
  const second = await folder.dlc(['train', 'model.yaml', '--resume'], { cwd });
  expect(second.stderr).toContain('goes on at step 6 of 12');
  expect(folder.list('elsewhere', 'runs', 'tiny')).toHaveLength(1);
});

it('reads only the inputs that the step uses', async () => {
  const spare = TINY.replace('  label: {shape', '  spare: {shape: [N, 3]}\n  label: {shape');
  folder.write('spare.yaml', spare);
  const outcome = await folder.dlc(['train', 'spare.yaml', '--run-dir', 'spare', 'train.epochs=1']);
  expect(outcome).toMatchObject({ code: 0 });
  expect(outcome.stderr).toContain('nothing uses the input `spare`');
});

it('refuses what validate refuses, and warns as soon as it is known what will not be reached', async () => {
  const claims = ['budgets={params: 3}', 'assert=["params < 2"]'];
  const refused = await folder.dlc(['train', 'model.yaml', '--run-dir', 'refused', ...claims]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/\[budget-exceeded\][^]*\[assertion-failed\]/);
  expect(existsSync(folder.at('refused'))).toBe(false);
  const early = await folder.dlc(['train', 'model.yaml', '--run-dir', 'early', 'train.ema={start: 40}']);
  expect(early.code).toBe(0);
  expect(early.stderr).toContain(
    `the average begins to differ from the weights after 41 steps, and the training ends after 2 epochs (${TOTAL} steps) [never-reached]`,
  );
});

it('trains on partial batches only, where there are fewer samples than a batch', async () => {
  await folder.train('few', 'train.batch_size=64', 'train.epochs=2');
  expect(folder.lines('few', 'metrics.jsonl').filter(({ split }) => split === 'train')).toHaveLength(2);
  expect(SAMPLES).toBeLessThan(64);
});

it('trains, evaluates and predicts a model of a fixed batch size, and says where the data does not fill it', async () => {
  folder.write('fixed.yaml', TINY.replace('[N, 1, 6, 6]', '[43, 1, 6, 6]').replace('[N]', '[43]'));
  const batch = ['train.batch_size=43', 'train.evaluate.batch_size=43'];
  const trained = await folder.dlc(['train', 'fixed.yaml', '--run-dir', 'fixed', ...batch]);
  expect(trained).toMatchObject({ code: 0 });
  const weightsFile = ['--weights', 'fixed/weights.h5'];
  expect(await folder.dlc(['eval', 'fixed.yaml', ...weightsFile, ...batch])).toMatchObject({ code: 0 });
  const predicted = await folder.dlc(['predict', 'fixed.yaml', ...weightsFile, '--samples', '43', '--out', 'out']);
  expect([predicted.code, predicted.stdout]).toEqual([0, 'out/probs.npy  f32[43,3]\n']);
  const fewer = await folder.dlc(['predict', 'fixed.yaml', ...weightsFile, '--samples', '2', '--out', 'out']);
  expect(fewer.code).toBe(1);
  expect(fewer.stderr).toContain('`image` is f32[43,1,6,6], `the array` is f32[2,1,6,6] [data-mismatch]');
});
