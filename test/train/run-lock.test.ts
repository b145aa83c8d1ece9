/** The lock of a run folder: one run at a time, and none left behind by a process that is gone. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { UsageError } from '../../compiler/diagnostics/errors';
import { lockRunFolder } from '../../compiler/train/run-lock';

describe('the lock of a run folder', () => {
  let dir = '';
  const file = (): string => path.join(dir, 'run.lock');
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'dlc-lock-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('is there while the run is, and gone when it ends', () => {
    const release = lockRunFolder(dir);
    expect(readFileSync(file(), 'utf8')).toBe(`${hostname()} ${process.pid}\n`);
    release();
    expect(existsSync(file())).toBe(false);
  });

  it('refuses a second run while the first is alive, and names it', () => {
    writeFileSync(file(), `${hostname()} ${process.ppid}\n`);
    expect(() => lockRunFolder(dir)).toThrow(UsageError);
    expect(() => lockRunFolder(dir)).toThrow(String(process.ppid));
  });

  it('refuses where the holder is on another host, of which nothing can be told', () => {
    writeFileSync(file(), 'elsewhere.invalid 1\n');
    expect(() => lockRunFolder(dir)).toThrow('elsewhere.invalid 1');
  });

  it('takes over a lock whose process is gone, and one that was torn', () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    for (const stale of [`${hostname()} ${pid}\n`, '', hostname()]) {
      writeFileSync(file(), stale);
      lockRunFolder(dir)();
      expect(existsSync(file())).toBe(false);
    }
  });
});
