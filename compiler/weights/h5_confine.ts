/**
 * Shuts libhdf5 in, inside of its worker. It sees one file of the system (a hostile file may name others: external
 * links, external storage, virtual datasets), no clock (it stores times, and equal contents must give equal bytes),
 * and no terminal: what it says on standard error is kept as the reason of a failure.
 */
import fs from 'node:fs';

export interface Confinement {
  /** The only file that may be opened from now on. */
  allow(file: string | undefined): void;
  /** What went wrong since the last call: the system's error code and libhdf5's own words. */
  takeTrouble(): { readonly code?: string; readonly text: string } | undefined;
}

const NO_SUCH_FILE = 'ENOENT';

export function confine(): Confinement {
  Date.now = () => 0;
  let allowed: string | undefined;
  let code: string | undefined;
  let text = '';

  const guard = <F extends (...args: never[]) => unknown>(call: F): F =>
    ((...args: never[]) => {
      try {
        return call(...args);
      } catch (error) {
        // libhdf5 looks whether a file exists by opening it.
        const found = (error as NodeJS.ErrnoException).code;
        if (found !== NO_SUCH_FILE) code ??= found;
        throw error;
      }
    }) as unknown as F;

  const { openSync, lstatSync, statSync, writeSync } = fs;
  const denied = (path: string): never => {
    throw Object.assign(new TypeError(`not open to libhdf5: ${path}`), { code: NO_SUCH_FILE });
  };
  const refuse = (): never => denied('a change of the file system');
  const guardedOpen = guard(openSync);
  const replacements = {
    openSync: (path: string, flags: string, mode?: number) =>
      path === allowed ? guardedOpen(path, flags, mode) : denied(path),
    lstatSync: (path: string) => (path === allowed ? lstatSync(path) : denied(path)),
    statSync: (path: string) => (path === allowed ? statSync(path) : denied(path)),
    unlinkSync: refuse,
    renameSync: refuse,
    mkdirSync: refuse,
    rmdirSync: refuse,
    symlinkSync: refuse,
    truncateSync: refuse,
    readdirSync: refuse,
    readlinkSync: refuse,
    writeFileSync: refuse,
    chmodSync: refuse,
  };
  Object.assign(fs, replacements);
  const guardedWrite = guard(writeSync as (...args: never[]) => number);
  fs.writeSync = ((fd: number, bytes: Uint8Array, offset: number, length: number, position: number | null) => {
    if (fd > 2) return guardedWrite(...([fd, bytes, offset, length, position] as never[]));
    text += Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('utf8');
    return length;
  }) as typeof writeSync;
  fs.readSync = guard(fs.readSync as (...args: never[]) => number) as typeof fs.readSync;
  fs.ftruncateSync = guard(fs.ftruncateSync);

  return {
    allow(file) {
      allowed = file;
    },
    takeTrouble() {
      const trouble = code !== undefined || text !== '' ? { ...(code === undefined ? {} : { code }), text } : undefined;
      code = undefined;
      text = '';
      return trouble;
    },
  };
}

/** The innermost complaint of an HDF5 error stack, which is the one that tells. */
export function innermost(text: string): string {
  const reasons = [...text.matchAll(/line \d+ in \w+\(\): (.+)/g)];
  return reasons[reasons.length - 1]?.[1]?.trim() ?? text.trim().split('\n')[0] ?? '';
}
