/**
 * NumPy's .npz: a zip archive of .npy files, a tensor each, named as in the model (`conv1.weight.npy`). Written without
 * compression, as `numpy.savez` does; read with or without.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { unzipSync, zipSync, type UnzipFileInfo } from 'fflate';
import { DataFileError } from '../../data/idx_file';
import { decodeNpy, encodeNpy } from '../../data/npy';
import type { Tensors } from '../content';
import { TensorFileError, type StoredTensor, type TensorFile } from './tensor_file';

/** Larger archives are for a format that is read piece by piece. */
const MAX_BYTES = 2 ** 31 - 1;
/** Deflate makes at most 1032 bytes of one: a member that says more lies. */
const MAX_RATIO = 1032;
const EXTENSION = '.npy';

export async function openNpz(file: string): Promise<TensorFile> {
  const arrays = new Map(
    Object.entries(unpack(await readFile(file))).map(([name, bytes]) => [
      name.slice(0, -EXTENSION.length),
      npy(name, bytes),
    ]),
  );
  const tensors = [...arrays].map(([name, { dtype, shape }]): StoredTensor => ({ name, dtype, shape, stored: dtype }));
  return {
    format: 'npz',
    tensors,
    read: ({ name }) => Promise.resolve(arrays.get(name)!),
    close: () => Promise.resolve(),
  };
}

function unpack(archive: Uint8Array): Record<string, Uint8Array> {
  let total = 0;
  const filter = ({ name, size, originalSize }: UnzipFileInfo): boolean => {
    if (name === 'data.pkl' || name.endsWith('/data.pkl')) throw pickled();
    if (!name.endsWith(EXTENSION)) throw new TensorFileError(`\`${name.slice(0, 80)}\` in it is not a .npy file`);
    total += originalSize;
    if (originalSize > size * MAX_RATIO + 64 || size > archive.length)
      throw new TensorFileError(`the size of \`${name.slice(0, 80)}\` cannot be true`);
    if (total > MAX_BYTES) throw new TensorFileError('it holds more than 2 GiB; safetensors files may');
    return true;
  };
  try {
    return unzipSync(archive, { filter });
  } catch (error) {
    if (error instanceof TensorFileError) throw error;
    throw new TensorFileError(`the archive is damaged (${(error as Error).message})`);
  }
}

function npy(name: string, bytes: Uint8Array): ReturnType<typeof decodeNpy> {
  try {
    return decodeNpy(bytes);
  } catch (error) {
    if (!(error instanceof DataFileError)) throw error;
    throw new TensorFileError(`\`${name.slice(0, 80)}\`: ${error.message}`);
  }
}

/** What `torch.save` writes. Reading it would run whatever the file says. */
export function pickled(): TensorFileError {
  return new TensorFileError(
    'this is a pickle of Python objects, which is code and is never read',
    "convert it: python -c \"import torch, safetensors.torch as s; s.save_file(torch.load('IN.pt', weights_only=True), 'OUT.safetensors')\"",
  );
}

export async function writeNpz(file: string, tensors: Tensors): Promise<void> {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  const members = sorted.map(([name, tensor]) => [`${name}${EXTENSION}`, encodeNpy(tensor)] as const);
  // A date of its own, so that the same tensors make the same bytes.
  await writeFile(file, zipSync(Object.fromEntries(members), { level: 0, mtime: new Date(1980, 0, 1) }));
}
