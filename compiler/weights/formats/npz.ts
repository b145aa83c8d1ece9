/**
 * NumPy's .npz: a zip archive of .npy files, a tensor each, named as in the model (`conv1.weight.npy`). Written without
 * compression, as `numpy.savez` does; read with or without.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { zipSync } from 'fflate';
import { DataFileError } from '../../data/idx_file';
import { decodeNpy, encodeNpy } from '../../data/npy';
import { unzip, UnzipError } from '../../data/unzip';
import type { Tensors } from '../content';
import { modelOf, TensorFileError, type StoredTensor, type TensorFile } from './tensor_file';

/** Larger archives are for a format that is read piece by piece. */
const MAX_BYTES = 2 ** 31 - 1;
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
  const others: string[] = [];
  const wanted = (name: string): boolean => {
    if (!name.endsWith(EXTENSION)) others.push(name);
    return name.endsWith(EXTENSION);
  };
  try {
    const members = unzip(archive, MAX_BYTES, wanted);
    if (others.some((name) => name === 'data.pkl' || name.endsWith('/data.pkl'))) throw pickled();
    if (others.some((name) => name === 'model.weights.h5' || name === 'config.json')) throw modelOf('Keras');
    if (others.length > 0) throw new TensorFileError(`\`${others[0]!.slice(0, 80)}\` in it is not a .npy file`);
    return members;
  } catch (error) {
    if (!(error instanceof UnzipError)) throw error;
    throw new TensorFileError(error.message);
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
