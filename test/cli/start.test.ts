/**
 * Starting from code that was compiled when dlc was built: it is used where it fits, and whatever is wrong with it
 * costs time and nothing else.
 */
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Script } from 'node:vm';
import { Folder } from '../data/fixtures';
import { execute, ROOT } from '../support/cli';

const dist = (name: string): string => path.join(ROOT, 'dist', name);
const HASH_LENGTH = 64;
const folder = new Folder();

beforeAll(() => {
  for (const name of ['dlc.js', 'dlc-main.js']) copyFileSync(dist(name), folder.at(name));
});
afterAll(() => rmSync(folder.at('.'), { recursive: true, force: true }));

const version = (): ReturnType<typeof execute> => execute(process.execPath, [folder.at('dlc.js'), '--version']);

it('has compiled code that this Node takes', () => {
  const bytes = readFileSync(dist('dlc-main.cache'));
  const hash = bytes.toString('latin1', 0, HASH_LENGTH);
  expect(readFileSync(dist('dlc.js'), 'latin1')).toContain(hash);
  const script = new Script(readFileSync(dist('dlc-main.js'), 'latin1'), { cachedData: bytes.subarray(HASH_LENGTH) });
  expect(script.cachedDataRejected).toBe(false);
});

it.each<[string, (good: Buffer) => Buffer | undefined]>([
  ['is missing', () => undefined],
  ['is empty', () => Buffer.alloc(0)],
  ['is of another bundle', (good) => Buffer.concat([Buffer.alloc(HASH_LENGTH, '0'), good.subarray(HASH_LENGTH)])],
  ['is cut off', (good) => good.subarray(0, good.length >> 1)],
  ['is of another V8', (good) => Buffer.concat([good.subarray(0, HASH_LENGTH), Buffer.alloc(good.length)])],
])('starts where the compiled code %s', async (_, spoil) => {
  const spoilt = spoil(readFileSync(dist('dlc-main.cache')));
  rmSync(folder.at('dlc-main.cache'), { force: true });
  if (spoilt) writeFileSync(folder.at('dlc-main.cache'), spoilt);
  expect(await version()).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
    stderr: '',
  });
});
