/** Folders made on behalf of a user, and files of the package that are found wherever it lies. */
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { RuntimeFault } from './diagnostics/errors';

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

/** A program for a thread of its own: beside the bundle; from the sources, in the package's dist folder. */
export function workerFile(name: string): string {
  const candidates = [path.join(__dirname, name), path.resolve(__dirname, '../dist', name)];
  const found = candidates.find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new RuntimeFault('not-built', `dist/${name} is missing`, 'run `npm run build`');
}
