/** What goes wrong in the middle of a run, and machines that refuse: the last good checkpoint is always still there. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { loadWeights } from '../../compiler/weights/files';
import { DLC, execute, ModelFolder, type Outcome } from '../support/cli';

const folder = new ModelFolder();
afterAll(() => folder.remove());
jest.setTimeout(120_000);

const train = (runDir: string, ...args: string[]): Promise<Outcome> =>
  folder.dlc(['train', 'model.yaml', '--run-dir', runDir, ...args]);

async function expectGood(...checkpoint: string[]): Promise<void> {
  await expect(loadWeights(folder.at(...checkpoint), { checkpoint: true })).resolves.toBeDefined();
}

describe('a learning rate that blows the training up', () => {
  it('names the layer and the step, and leaves the checkpoint and the metrics before', async () => {
    const { code, stderr } = await train('huge', 'train.optimizer.lr=1.0e+30', 'train.checkpoint.every=1');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^model\.yaml:\d+:5: error: layer `\w+` computes (-infinity|\+infinity|NaN) \(step 2, element \d+ of \d+\) \[non-finite\]$/m,
    );
    expect(stderr).toContain('hint: lower the learning rate');
    expect(folder.lines('huge', 'metrics.jsonl').map(({ step }) => step)).toEqual([1]);
    expect(folder.list('huge', 'checkpoints')).toEqual(['step-00000001.h5']);
    await expectGood('huge', 'checkpoints', 'step-00000001.h5');
    expect(JSON.parse(folder.text('huge', 'run.json'))).toMatchObject({ status: 'failed' });
  });

  it('is found before its weights become a checkpoint, although the loss was still a number', async () => {
    await folder.train('blown', 'train.steps=3', 'train.checkpoint={every: 3, keep: 1}');
    const blown = ['train.steps=9', 'train.checkpoint={every: 1, keep: 1}', 'train.optimizer.lr=1.0e+300'];
    const { code, stderr } = await train('blown', '--resume', ...blown);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^model\.yaml:7:5: error: `conv\.weight` of layer `conv` became .* \(after step 4\)/m);
    expect(folder.list('blown', 'checkpoints')).toEqual(['step-00000003.h5']);
    expect(folder.lines('blown', 'metrics.jsonl').at(-1)).toMatchObject({ step: 4 });
  });
});

describe('a place that cannot be written', () => {
  it.each([
    ['under a file', 'model.yaml/run'],
    ['in /proc', '/proc/dlc-test'],
  ])('%s is the fault of the machine, and training does not begin', async (_, runDir) => {
    const { code, stdout, stderr } = await train(runDir);
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(
      /^dlc: cannot create the run folder .*\n {2}hint: choose another place with --run-dir DIR\n$/,
    );
  });

  it('is named by the other verbs', async () => {
    await folder.train('w', 'train.steps=0');
    for (const args of [
      ['predict', 'w/weights.h5', '--samples', '1', '--out', 'model.yaml/out', '--allow-outside', ...DATA],
      ['init', 'model.yaml/new'],
      ['compile', 'model.yaml', '--emit', 'plan', '-o', 'nowhere/x.plan'],
    ]) {
      const { code, stderr } = await folder.dlc(args);
      expect([args[0], code]).toEqual([args[0], 3]);
      expect(stderr).toMatch(/^dlc: cannot write /);
    }
  });
});

/** A weight file's own model looks for data beside the weight file. */
const DATA = ['data.eval.images=images.idx', 'data.eval.labels=labels.idx'];

describe('a disk that is full while a checkpoint is saved', () => {
  const wide = ['train.steps=10', 'train.checkpoint.every=5', 'train.evaluate.every=100'];

  /** Resumes from step 5 under the limit, expects the machine's fault, then finishes without it. */
  async function expectSurvival(runDir: string, limited: Outcome, reference: Buffer): Promise<void> {
    expect(limited.code).toBe(3);
    expect(limited.stderr).toMatch(/^dlc: .*(disk is full|may not grow|no space)/im);
    expect(folder.list(runDir, 'checkpoints')).toEqual(['step-00000005.h5']);
    await expectGood(runDir, 'checkpoints', 'step-00000005.h5');
    expect(
      folder.lines(runDir, 'metrics.jsonl').filter(({ split }) => split === 'train').length,
    ).toBeGreaterThanOrEqual(5);
    await folder.train(runDir, ...wide, '--resume');
    expect(folder.read(runDir, 'weights.h5').equals(reference)).toBe(true);
  }

  let reference: Buffer;
  beforeAll(async () => {
    await folder.train('whole', ...wide);
    reference = folder.read('whole', 'weights.h5');
  });

  it('keeps the previous one where files may not grow further', async () => {
    await folder.train('limit', 'train.steps=5', 'train.checkpoint.every=5', 'train.evaluate.every=100');
    rmSync(folder.at('limit', 'weights.h5'));
    const args = [DLC, 'train', 'model.yaml', '--run-dir', 'limit', ...wide, '--resume'];
    const script = 'ulimit -f 8; exec "$0" "$@"';
    const limited = await execute('bash', ['-c', script, process.execPath, ...args], { cwd: folder.path });
    await expectSurvival('limit', limited, reference);
  });

  it('keeps the previous one where the file system is full', async () => {
    const dir = folder.at('mounted');
    mkdirSync(dir);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', dir]);
    if (mounted.status !== 0) {
      console.log('skipped: mounting a small file system needs root');
      return;
    }
    try {
      await folder.train('mounted/run', 'train.steps=5', 'train.checkpoint.every=5', 'train.evaluate.every=100');
      for (const name of ['weights.h5', 'report.html']) rmSync(folder.at('mounted/run', name));
      spawnSync('dd', ['if=/dev/zero', `of=${folder.at('mounted/filler')}`, 'bs=1k']);
      spawnSync('truncate', ['-s', '-12k', folder.at('mounted/filler')]);
      const limited = await train('mounted/run', ...wide, '--resume');
      expect(limited.code).toBe(3);
      expect(limited.stderr).toMatch(/disk is full/);
      rmSync(folder.at('mounted/filler'));
      await expectSurvival('mounted/run', limited, reference);
    } finally {
      spawnSync('umount', [dir]);
    }
  });
});
