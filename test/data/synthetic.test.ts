/** Synthetic samples, and the cache folder that other sources share. */
import { userCacheDir, writeCacheFile } from '../../compiler/data/cache';
import { context, Folder, input, open, problemsOf, rows, section } from './fixtures';
import { readdirSync, readFileSync } from 'node:fs';

const folder = new Folder();
afterAll(() => folder.remove());

it('makes every sample from its index alone, in the range of its input', async () => {
  const inputs = [input('x', 'f32', ['N', 3, 4]), input('y', 'i32', ['N']), input('z', 'i64', ['N'])];
  const dataset = await open(section('synthetic', { size: 100, classes: 7 }), context(folder, inputs));
  expect(dataset.size).toBe(100);
  const all = await rows(
    dataset,
    Array.from({ length: 100 }, (_, i) => i),
  );
  const one = await rows(dataset, [42]);
  expect([...one.x!]).toEqual([...all.x!.subarray(42 * 12, 43 * 12)]);
  expect([...all.x!].every((value) => value >= 0 && value < 1)).toBe(true);
  expect(new Set<unknown>([...all.y!])).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
  expect([...all.z!].every((value) => value >= 0n && value < 7n)).toBe(true);
  expect(new Set<unknown>([...all.x!]).size).toBeGreaterThan(1100);
});

it('wants numbers on every axis but the batch', async () => {
  const problems = await problemsOf(open(section('synthetic', {}), context(folder, [input('x', 'f32', ['N', 'T'])])));
  expect(problems).toMatchObject([{ code: 'data-mismatch' }]);
});

it('finds the cache where the user or the platform puts it', () => {
  expect(userCacheDir({ DLC_CACHE_DIR: '/x/y' }, 'linux')).toBe('/x/y');
  expect(userCacheDir({ XDG_CACHE_HOME: '/c' }, 'linux')).toBe('/c/dlc');
  expect(userCacheDir({ LOCALAPPDATA: '/l' }, 'win32')).toContain('dlc');
  expect(userCacheDir({}, 'darwin')).toContain('Caches');
});

it('writes cache files whole or not at all', () => {
  expect(writeCacheFile(folder.at('c/a.bin'), [Buffer.from('one '), Buffer.from('two')])).toBe(true);
  expect(readFileSync(folder.at('c/a.bin'), 'utf8')).toBe('one two');
  expect(writeCacheFile(folder.at('c/a.bin/b'), [Buffer.from('x')])).toBe(false);
  expect(readdirSync(folder.at('c'))).toEqual(['a.bin']);
});
