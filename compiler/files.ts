/** Making folders on behalf of a user. */
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';

/**
 * Makes a folder and the ones above it. Throws what the system says. Not `mkdirSync` with `recursive`: Node 20's never
 * returns where the system refuses a folder as if its parent were missing, as /proc does.
 */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  const parent = path.dirname(folder);
  if (parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder);
  } catch (error) {
    // Made by somebody else in between.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
