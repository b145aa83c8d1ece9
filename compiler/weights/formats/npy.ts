/**
 * NumPy's .npy as weights: one file, a tensor of its name, or a folder of them, at any depth. `conv1.weight.npy` and
 * `conv1/weight.npy` are the same tensor. Links are not followed.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { DataFileError } from '../../data/idx_file';
import { openNpyFile, readNpy } from '../../data/npy';
import { TensorFileError, type StoredTensor, type TensorFile } from './tensor_file';

const EXTENSION = '.npy';
const MAX_FILES = 100_000;
const MAX_DEPTH = 32;

export async function openNpy(file: string): Promise<TensorFile> {
  return await openAll([{ name: path.basename(file).replace(/\.npy$/i, ''), file }]);
}

export async function openNpyFolder(folder: string): Promise<TensorFile> {
  const found: Named[] = [];
  await walk(folder, '', 0, found);
  if (found.length === 0) throw new TensorFileError('it is a folder without .npy files');
  return await openAll(found.sort((a, b) => (a.name < b.name ? -1 : 1)));
}

interface Named {
  readonly name: string;
  readonly file: string;
}

async function walk(folder: string, prefix: string, depth: number, found: Named[]): Promise<void> {
  if (depth > MAX_DEPTH) throw new TensorFileError(`\`${prefix}\`: folders lie too deep in one another`);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const inside = path.join(folder, entry.name);
    if (entry.isDirectory()) await walk(inside, `${prefix}${entry.name}/`, depth + 1, found);
    if (!entry.name.endsWith(EXTENSION)) continue;
    const name = prefix + entry.name.slice(0, -EXTENSION.length);
    if (entry.isSymbolicLink()) throw new TensorFileError(`\`${name}${EXTENSION}\` is a link, which is not followed`);
    if (!entry.isFile()) continue;
    if (found.length === MAX_FILES) throw new TensorFileError(`it holds more than ${MAX_FILES} arrays`);
    found.push({ name, file: inside });
  }
}

async function openAll(files: readonly Named[]): Promise<TensorFile> {
  const places = new Map(files.map(({ name, file }) => [name, file]));
  const tensors: StoredTensor[] = [];
  for (const { name, file } of files) {
    const { handle, dtype, shape, half } = await named(name, openNpyFile(file, true));
    await handle.close();
    tensors.push({ name, dtype, shape, stored: half === true ? 'f16' : dtype });
  }
  return {
    format: 'npy',
    tensors,
    read: ({ name }) => named(name, readNpy(places.get(name)!, true)),
    close: () => Promise.resolve(),
  };
}

/** What is wrong with a file is said with its name. */
async function named<T>(name: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof DataFileError)) throw error;
    throw new TensorFileError(`\`${name}${EXTENSION}\`: ${error.message}`);
  }
}
