/** Checkpoints survive kills, full disks and damage: what is there is whole. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { RuntimeFault } from '../../compiler/diagnostics/errors';
import { listCheckpoints, newestGoodCheckpoint, saveCheckpoint } from '../../compiler/weights/checkpoints';
import { saveWeights } from '../../compiler/weights/files';
import { checkpoint, content, expectedOf, Folder, problemsOf, tensor } from './fixtures';

const folder = new Folder();
afterAll(() => folder.remove());

const at = (step: number) => ({ ...checkpoint, state: { step } });
const names = (where: string): string[] => readdirSync(folder.at(where)).sort();

/** The program of `save_forever.ts` as one file, with the worker beside it. */
function child(): string {
  const bundle = folder.at('child', 'save.js');
  const worker = path.resolve(__dirname, '../../dist/h5-worker.js');
  buildSync({
    entryPoints: [path.join(__dirname, 'save_forever.ts')],
    bundle: true,
    platform: 'node',
    outfile: bundle,
    define: { DLC_VERSION: '"0.0.0"' },
    logLevel: 'silent',
  });
  writeFileSync(folder.at('child', 'h5-worker.js'), `require(${JSON.stringify(worker)});`);
  return bundle;
}

it('keeps the newest few and finds the last of them', async () => {
  for (const step of [5, 10, 100_000_000, 15]) await saveCheckpoint(folder.at('a'), step, at(step), { keep: 2 });
  expect(names('a')).toEqual(['step-00000015.h5', 'step-100000000.h5']);
  expect(listCheckpoints(folder.at('a')).map(({ step }) => step)).toEqual([15, 100_000_000]);
  const { found, warnings } = await newestGoodCheckpoint(folder.at('a'));
  expect(found).toMatchObject({ step: 100_000_000, content: { state: { step: 100_000_000 } } });
  expect(warnings).toEqual([]);
});

it('passes over damaged ones with a warning each, and finds none where there is none', async () => {
  for (const step of [1, 2, 3]) await saveCheckpoint(folder.at('b'), step, at(step), { keep: 9 });
  truncateSync(folder.at('b/step-00000003.h5'), 5000);
  const torn = readFileSync(folder.at('b/step-00000002.h5'));
  torn.fill(0, torn.length >> 1, (torn.length >> 1) + 512);
  writeFileSync(folder.at('b/step-00000002.h5'), torn);
  const { found, warnings } = await newestGoodCheckpoint(folder.at('b'), { expected: expectedOf(content) });
  expect(found?.step).toBe(1);
  expect(warnings.map(({ severity, code }) => `${severity} ${code}`)).toEqual([
    'warning weights-corrupt',
    'warning weights-corrupt',
  ]);
  expect((await newestGoodCheckpoint(folder.at('nowhere'))).found).toBeUndefined();
});

it('does not pass over a checkpoint of another model', async () => {
  const expected = [...expectedOf(content), { name: 'new.weight', dtype: 'f32' as const, shape: [1] }];
  const problems = await problemsOf(newestGoodCheckpoint(folder.at('a'), { expected }));
  expect(problems).toMatchObject([{ code: 'weights-mismatch' }]);
});

it('survives a kill at any moment: what is there is whole, and leftovers go', async () => {
  const program = child();
  for (let round = 0; round < 5; round++) {
    const saver = spawn(process.execPath, [program, folder.at('killed')], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => saver.stdout.once('data', resolve));
    await new Promise((resolve) => setTimeout(resolve, 20 + round * 17));
    saver.kill('SIGKILL');
    await new Promise((resolve) => saver.once('exit', resolve));
    const { found, warnings } = await newestGoodCheckpoint(folder.at('killed'));
    expect(warnings).toEqual([]);
    expect(found!.content.tensors.get('fc.weight')!.data[0]).toBe(found!.step);
  }
  await saveCheckpoint(folder.at('killed'), 1_000_000, at(1), { keep: 2 });
  expect(names('killed').filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

it('leaves everything as it was when a file may not grow large enough', async () => {
  const program = child();
  await saveCheckpoint(folder.at('limited'), 1, at(1), { keep: 1 });
  const saver = spawnSync(
    'bash',
    ['-c', 'ulimit -f 64; exec "$0" "$@"', process.execPath, program, folder.at('limited')],
    {
      encoding: 'utf8',
    },
  );
  expect(saver.stdout).toContain('disk-full');
  expect(names('limited')).toEqual(['step-00000001.h5']);
  expect((await newestGoodCheckpoint(folder.at('limited'))).found?.step).toBe(1);
});

it('leaves everything as it was when the disk is full', async () => {
  const disk = folder.at('disk');
  mkdirSync(disk);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', disk]).status !== 0) {
    console.log('SKIPPED: a small file system can not be mounted here');
    return;
  }
  try {
    await saveCheckpoint(disk, 1, at(1), { keep: 1 });
    const large = { ...at(2), tensors: new Map([['fc.weight', tensor('f32', [600, 1000])]]) };
    const error: unknown = await saveCheckpoint(disk, 2, large, { keep: 1 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RuntimeFault);
    expect(error).toMatchObject({ code: 'disk-full' });
    expect(names('disk')).toEqual(['step-00000001.h5']);
    expect((await newestGoodCheckpoint(disk)).found?.step).toBe(1);
  } finally {
    spawnSync('umount', [disk]);
  }
});

it('says what is wrong with a folder that can not be written', async () => {
  writeFileSync(folder.at('plain'), '');
  const error: unknown = await saveWeights(folder.at('plain/w.h5'), content).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'RuntimeFault', code: 'cannot-write' });
});
