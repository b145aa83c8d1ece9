/**
 * A file that is there whole or not at all: written under a temporary name in the same folder, flushed to the disk,
 * renamed, and the folder flushed. Whatever stops it, power included, leaves the old file as it was.
 */
import { makeFolder } from '../files';
import { readdirSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { RuntimeFault } from '../diagnostics/errors';

const TEMPORARY = /^\.(.+)\.(\d+)\.tmp$/;

export async function writeAtomically(target: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const folder = path.dirname(target);
  const temporary = path.join(folder, `.${path.basename(target)}.${process.pid}.tmp`);
  try {
    makeFolder(folder);
    sweep(folder);
    await write(temporary);
    await flush(temporary);
    await rename(temporary, target);
    await flush(folder);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw faultOf(error, target);
  }
}

/** Removes what processes that were killed while writing left behind. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const owner = TEMPORARY.exec(name)?.[2];
    if (owner !== undefined && !isAlive(Number(owner))) void rm(path.join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function flush(file: string): Promise<void> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    // Some systems can't open a folder; the rename is as durable there as they make it.
    if ((error as NodeJS.ErrnoException).code === 'EISDIR' || process.platform === 'win32') return undefined;
    throw error;
  });
  try {
    await handle?.sync();
  } catch (error) {
    if (!['EINVAL', 'EPERM', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await handle?.close();
  }
}

/** The machine's failures by name; anything else goes through as it is. */
export function faultOf(error: unknown, file: string): unknown {
  // It says already what the machine refused.
  if (error instanceof RuntimeFault) return error;
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new RuntimeFault(
        'disk-full',
        `\`${file}\` could not be saved: the disk is full`,
        'free some space; the files of before are untouched',
      );
    case 'EFBIG':
      return new RuntimeFault('disk-full', `\`${file}\` could not be saved: a file may not grow that large here`);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new RuntimeFault('cannot-write', `\`${file}\` could not be saved: permission denied`);
    case 'ENOTDIR':
    case 'EEXIST':
      return new RuntimeFault('cannot-write', `\`${file}\` could not be saved: a part of its path is not a folder`);
    case undefined:
      return error;
    default:
      return new RuntimeFault('cannot-write', `\`${file}\` could not be saved (${code})`);
  }
}
