/**
 * The run folder `runs/<name>/<time>/`: where a training run keeps everything it writes. This file knows the
 * names in it and how to find the newest run; what goes into the files is written by their own modules.
 */
import { makeFolder } from '../files';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { RuntimeFault } from '../diagnostics/errors';

export interface RunFolder {
  readonly dir: string;
  readonly model: string;
  readonly info: string;
  readonly metrics: string;
  readonly checkpoints: string;
  readonly weights: string;
  /** The weights of the best evaluation, where the training keeps them. */
  readonly best: string;
  readonly report: string;
}

export const INFO = 'run.json';

function layout(dir: string): RunFolder {
  const at = (name: string): string => path.join(dir, name);
  return {
    dir,
    model: at('model.yaml'),
    info: at(INFO),
    metrics: at('metrics.jsonl'),
    checkpoints: at('checkpoints'),
    weights: at('weights.h5'),
    best: at('best.h5'),
    report: at('report.html'),
  };
}

/** `20261123-112503`, in UTC: sorts by time. */
function timeName(now: Date): string {
  return now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
}

/** Layer and model names come from users; only the plain part of one may become a folder name. */
function folderName(model: string): string {
  return model.replace(/[^A-Za-z0-9._-]+/g, '_').replace(/^\.+/, '_') || 'model';
}

function makeFolders(folder: RunFolder): RunFolder {
  try {
    makeFolder(folder.checkpoints);
  } catch (error) {
    throw cannotCreate(folder.dir, error);
  }
  return folder;
}

/** Makes the folder, unless there is one: of two runs that begin at once, one has to take another name. */
function claim(dir: string): boolean {
  try {
    makeFolder(path.dirname(dir));
    mkdirSync(dir);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cannotCreate(dir, error);
  }
}

function cannotCreate(dir: string, error: unknown): RuntimeFault {
  return new RuntimeFault(
    'cannot-write',
    `cannot create the run folder ${dir}: ${(error as NodeJS.ErrnoException).message}`,
    'choose another place with --run-dir DIR',
  );
}

/** Opens `dir`, made where it does not exist. */
export function openRunFolder(dir: string): RunFolder {
  return makeFolders(layout(path.resolve(dir)));
}

/** A new folder under `runs/<name>/`, named by the time. */
export function createRunFolder(root: string, model: string, now: Date): RunFolder {
  const parent = path.resolve(root, folderName(model));
  const base = timeName(now);
  let name = base;
  for (let i = 2; !claim(path.join(parent, name)); i++) name = `${base}-${i}`;
  return makeFolders(layout(path.join(parent, name)));
}

/** The newest run of a model, or undefined where it has none. */
export function newestRunFolder(root: string, model: string): RunFolder | undefined {
  const parent = path.resolve(root, folderName(model));
  if (!existsSync(parent)) return undefined;
  const runs = readdirSync(parent)
    .filter((name) => /^\d{8}-\d{6}(-\d+)?$/.test(name) && statSync(path.join(parent, name)).isDirectory())
    .map((name) => ({ name, time: name.slice(0, 15), copy: Number(name.slice(16) || 1) }))
    .sort((a, b) => (a.time === b.time ? a.copy - b.copy : a.time < b.time ? -1 : 1));
  const newest = runs.at(-1);
  return newest && layout(path.join(parent, newest.name));
}

export function writeFile(file: string, content: string | Uint8Array): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    throw writeFault(file, error);
  }
}

/** For a file that must not be lost: the old one stays until the new one is whole. */
export function replaceFile(file: string, content: string): void {
  const temporary = `${file}.tmp`;
  try {
    writeFileSync(temporary, content);
    renameSync(temporary, file);
  } catch (error) {
    const fault = writeFault(file, error);
    try {
      rmSync(temporary, { force: true });
    } catch {
      // It stays; why the file could not be written says more.
    }
    throw fault;
  }
}

/** Disk full, read-only folder and the like, in words. */
export function writeFault(file: string, error: unknown): RuntimeFault {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC'
    ? new RuntimeFault(
        'disk-full',
        `the disk is full: ${file} could not be written`,
        'free some space, then go on with --resume',
      )
    : new RuntimeFault('cannot-write', `cannot write ${file}: ${message}`);
}
