/** Files of named tensors beside our own: which format a file is of, by its first bytes. */
import { open, stat } from 'node:fs/promises';
import { openNpy, openNpyFolder } from './npy';
import { openNpz, pickled } from './npz';
import { isSafetensors, openSafetensors } from './safetensors';
import type { TensorFile } from './tensor_file';

export { modelOf, TensorFileError, type StoredTensor, type TensorFile } from './tensor_file';

/** Whether the file is of one of these formats, whatever state it is in. */
export async function isTensorFile(file: string): Promise<boolean> {
  if ((await stat(file)).isDirectory()) return true;
  return kindOf(await firstBytes(file, 16)) !== undefined;
}

/** Undefined for everything else, HDF5 among it. Throws a TensorFileError, or what the system says. */
export async function openTensorFile(file: string): Promise<TensorFile | undefined> {
  if ((await stat(file)).isDirectory()) return await openNpyFolder(file);
  const kind = kindOf(await firstBytes(file, 16));
  if (kind === 'pickle') throw pickled();
  if (kind === undefined) return undefined;
  return await { npz: openNpz, npy: openNpy, safetensors: openSafetensors }[kind](file);
}

function kindOf(head: Uint8Array): 'npz' | 'npy' | 'pickle' | 'safetensors' | undefined {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, i) => head[i] === byte);
  if (starts(0x50, 0x4b, 3, 4) || starts(0x50, 0x4b, 5, 6)) return 'npz';
  if (starts(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59)) return 'npy';
  if (isSafetensors(head)) return 'safetensors';
  // Pickle's protocols 2 to 5, as `torch.save` wrote them before it wrote archives.
  return head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5 ? 'pickle' : undefined;
}

async function firstBytes(file: string, count: number): Promise<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    const bytes = new Uint8Array(count);
    const { bytesRead } = await handle.read(bytes, 0, count, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
