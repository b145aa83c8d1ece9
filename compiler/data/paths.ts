/**
 * Where the files of a data section lie. A path in the model file starts at the model's folder and stays inside of it
 * (symbolic links followed); one from the command line starts at the current folder and may lead anywhere.
 */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { dataMissing, pathOutside } from '../diagnostics/catalogue';
import { SpecError } from '../diagnostics/errors';
import { COMMAND_LINE } from '../diagnostics/location';
import type { SectionSpec } from '../frontend/spec';
import type { OpenContext } from './define';

export function resolveDataPath(
  section: Pick<SectionSpec, 'at'>,
  field: readonly (string | number)[],
  value: string,
  context: Pick<OpenContext, 'modelDir' | 'allowOutside'>,
): string {
  const at = section.at(field);
  const trusted = at.file === COMMAND_LINE;
  if (value.includes('\0')) throw new SpecError([dataMissing(at, value.replaceAll('\0', '\\0'))]);
  const full = path.resolve(trusted ? process.cwd() : context.modelDir, value);
  let real: string;
  try {
    real = realpathSync(full);
  } catch (error) {
    // Outside of the folder not even existence is told.
    if (!trusted && !context.allowOutside && !isInside(path.resolve(context.modelDir), full))
      throw new SpecError([pathOutside(at, value)]);
    const start = trusted
      ? 'on the command line paths start at the current folder'
      : `paths start at the folder of \`${at.file}\``;
    throw new SpecError([dataMissing(at, value, reasonOf(error), path.isAbsolute(value) ? undefined : start)]);
  }
  if (!trusted && !context.allowOutside && !isInside(realpathSync(context.modelDir), real))
    throw new SpecError([pathOutside(at, value)]);
  return real;
}

/** What the system says about a file, in plain words. */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'ELOOP') return 'its symbolic links lead in a circle';
  if (code === 'ENAMETOOLONG') return 'the name is too long';
  return code === undefined ? String(error) : `cannot be read (${code})`;
}

function isInside(folder: string, file: string): boolean {
  const relative = path.relative(folder, file);
  return relative === '' || (relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative));
}
