/**
 * One run writes to a run folder at a time: `run.lock` holds the host and process that does. A lock whose process is
 * gone, as after a kill, is taken over.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { UsageError } from '../diagnostics/errors';
import { writeFault } from './run-folder';

/** Takes the lock; the function returned gives it back. */
export function lockRunFolder(dir: string): () => void {
  const file = path.join(dir, 'run.lock');
  const mine = `${hostname()} ${process.pid}\n`;
  if (!claim(file, mine)) {
    const holder = read(file);
    if (holder !== undefined && isAlive(holder)) {
      throw new UsageError(
        `another run writes to ${dir} (${holder.trim()})`,
        `wait for it or choose another --run-dir; if there is no such run, remove ${file}`,
      );
    }
    rmSync(file, { force: true });
    if (!claim(file, mine)) throw new UsageError(`another run has just begun in ${dir}`);
  }
  return () => {
    if (read(file) === mine) rmSync(file, { force: true });
  };
}

function claim(file: string, content: string): boolean {
  try {
    writeFileSync(file, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw writeFault(file, error);
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Of another host nothing can be told: its run counts as alive. A lock torn while it was written names nobody. */
function isAlive(holder: string): boolean {
  const [host, pid] = holder.trim().split(' ');
  if (host === undefined || pid === undefined || !/^\d+$/.test(pid)) return false;
  if (host !== hostname()) return true;
  if (Number(pid) === process.pid) return false;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
