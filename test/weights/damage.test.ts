/** No damaged weight file is taken for a good one, whatever byte is wrong. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { loadWeights, saveWeights } from '../../compiler/weights/files';
import { SpecError } from '../../compiler/diagnostics/errors';
import { checkpoint, content, expectedOf, Folder, problemsOf } from './fixtures';

const folder = new Folder();
afterAll(() => folder.remove());

async function message(bytes: Uint8Array): Promise<string> {
  writeFileSync(folder.at('bad.h5'), bytes);
  const problems = await problemsOf(loadWeights(folder.at('bad.h5'), { checkpoint: true }));
  expect(problems).toHaveLength(1);
  expect(problems[0]!.code).toBe('weights-corrupt');
  return problems[0]!.message.replace(/^`[^`]*`: /, '');
}

it('knows files that are missing, empty, folders or of another format', async () => {
  expect(await problemsOf(loadWeights(folder.at('none.h5')))).toMatchObject([{ code: 'weights-missing' }]);
  expect(await problemsOf(loadWeights(folder.path))).toMatchObject([
    { code: 'weights-corrupt', message: expect.stringContaining('it is a folder without .npy files') as unknown },
  ]);
  expect(await message(Buffer.alloc(0))).toBe('the file is empty');
  expect(await message(Buffer.from('this is not an HDF5 file'.repeat(100)))).toBe('not an HDF5 file');
});

it('knows a file that ends early', async () => {
  await saveWeights(folder.at('good.h5'), checkpoint);
  const good = readFileSync(folder.at('good.h5'));
  for (const part of [0.3, 0.6, 0.9, 0.999]) {
    expect(await message(good.subarray(0, Math.floor(good.length * part)))).toBe('the file ends early');
  }
});

it('finds a single changed byte in the data by the checksum', async () => {
  const good = readFileSync(folder.at('good.h5'));
  const value = Buffer.alloc(8);
  value.writeDoubleLE(15);
  const at = good.indexOf(value);
  expect(at).toBeGreaterThan(0);
  const bad = Buffer.from(good);
  bad[at + 7]! ^= 1;
  expect(await message(bad)).toContain('the weights are not those that were saved (the checksum differs)');
  const state = Buffer.from(good);
  state[state.indexOf('"step":12') + 8]! ^= 1;
  expect(await message(state)).toBe('the optimizer state is not what was saved (the checksum differs)');
  const spec = Buffer.from(good);
  spec[spec.indexOf('"units":3') + 8]! ^= 1;
  expect(await message(spec)).toBe('the spec inside is not the one that was saved (the checksum differs)');
});

it('never takes a damaged file for a good one, whatever byte is wrong', async () => {
  const good = readFileSync(folder.at('good.h5'));
  const expected = expectedOf(content);
  let refused = 0;
  let unharmed = 0;
  for (let i = 0; i < 15; i++) {
    const bad = Buffer.from(good);
    const at = (i * 104729) % good.length;
    bad[at]! ^= 1 << (i % 8);
    writeFileSync(folder.at('bad.h5'), bad);
    try {
      const { tensors } = await loadWeights(folder.at('bad.h5'), { expected, limitMs: 5000 });
      // Bytes between the objects mean nothing; what is read must be what was saved.
      for (const [name, saved] of content.tensors) expect(tensors.get(name)).toEqual(saved);
      unharmed++;
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(2);
  expect(refused + unharmed).toBe(15);
}, 120_000);

it('follows no link out of the file', async () => {
  const program = `
import h5py, sys
with h5py.File(sys.argv[2], "w") as f:
    f["secret"] = [1.0, 2.0]
with open(sys.argv[3], "wb") as f:
    f.write(b"12345678")
with h5py.File(sys.argv[1], "w") as f:
    w = f.create_group("weights/fc")
    w["weight"] = h5py.ExternalLink(sys.argv[2], "/secret")
    f.create_dataset("weights/fc/bias", shape=(2,), dtype="f4", external=[(sys.argv[3], 0, 8)])
with h5py.File(sys.argv[4], "w") as f:
    w = f.create_group("weights/fc")
    layout = h5py.VirtualLayout(shape=(2,), dtype="f8")
    layout[:] = h5py.VirtualSource(sys.argv[2], "secret", shape=(2,))
    f.create_virtual_dataset("weights/fc/scale", layout)`;
  try {
    execFileSync(
      'python3',
      ['-c', program, folder.at('l.h5'), folder.at('other.h5'), folder.at('raw'), folder.at('v.h5')],
      {
        stdio: 'pipe',
      },
    );
  } catch (error) {
    if (!/No module named|ENOENT/.test(String(error))) throw error;
    console.log('SKIPPED: Python with h5py is not installed');
    return;
  }
  const [weight, bias] = ['fc.weight', 'fc.bias'].map((name) => ({ name, dtype: 'f32' as const, shape: [2] }));
  const missing = await problemsOf(loadWeights(folder.at('l.h5'), { expected: [weight!, bias!] }));
  expect(missing.map(({ message: text }) => text)).toEqual([expect.stringContaining('has no weights for `fc.weight`')]);
  const [stored] = await problemsOf(loadWeights(folder.at('l.h5'), { expected: [bias!] }));
  expect(stored!.message).toMatch(/damaged \(.*(external|unable to open)/i);
  const [virtual] = await problemsOf(loadWeights(folder.at('v.h5')));
  expect(virtual!.message).toContain('`fc.scale` holds a virtual dataset');
});

it('refuses a file that promises more than any model has', async () => {
  const program = `
import h5py, sys
with h5py.File(sys.argv[1], "w") as f:
    f.create_dataset("weights/fc/weight", shape=(1 << 20, 1 << 20), dtype="f4", chunks=(1024, 1024))`;
  try {
    execFileSync('python3', ['-c', program, folder.at('huge.h5')], { stdio: 'pipe' });
  } catch (error) {
    if (!/No module named|ENOENT/.test(String(error))) throw error;
    console.log('SKIPPED: Python with h5py is not installed');
    return;
  }
  const [problem] = await problemsOf(loadWeights(folder.at('huge.h5')));
  expect(problem!.message).toContain('says it holds 4096.0 GiB of tensors');
});

it('gives up after the time limit and works again afterwards', async () => {
  const [problem] = await problemsOf(loadWeights(folder.at('good.h5'), { limitMs: 0 }));
  expect(problem).toMatchObject({ code: 'weights-corrupt' });
  expect(problem!.message).toContain('could not be read in time');
  expect((await loadWeights(folder.at('good.h5'))).tensors.size).toBe(content.tensors.size);
});
