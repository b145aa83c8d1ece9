/** The user's cache directory, and files in it that appear whole or not at all. Everything there can be made again. */
import { makeFolder } from '../files';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** DLC_CACHE_DIR where set, else the place that the platform has for such files. */
export function userCacheDir(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): string {
  if (env.DLC_CACHE_DIR) return path.resolve(env.DLC_CACHE_DIR);
  if (platform === 'darwin') return path.join(homedir(), 'Library', 'Caches', 'dlc');
  if (platform === 'win32') return path.join(env.LOCALAPPDATA ?? path.join(homedir(), 'AppData', 'Local'), 'dlc');
  return path.join(env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'dlc');
}

let written = 0;

/**
 * Writes a cache file under a temporary name and renames it, so that readers (other processes included) see all of it
 * or nothing. False where the cache can't be written: the caller goes on without.
 */
export function writeCacheFile(file: string, parts: readonly Uint8Array[]): boolean {
  const temporary = `${file}.${process.pid}.${written++}.tmp`;
  try {
    makeFolder(path.dirname(file));
    for (const part of parts) writeFileSync(temporary, part, { flag: 'a' });
    renameSync(temporary, file);
    return true;
  } catch {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // A folder that can't be written need not be cleaned.
    }
    return false;
  }
}
