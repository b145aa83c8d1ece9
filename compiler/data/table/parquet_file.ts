/** A Parquet file as the reader wants it: its length, and slices that are read when they are asked for. */
import { open } from 'node:fs/promises';
import { DataFileError } from '../idx_file';
import { reasonOf } from '../paths';

interface Slices {
  readonly byteLength: number;
  slice(start: number, end?: number): Promise<ArrayBuffer>;
}

const MAX_SLICE = 2 ** 30;

export async function openBuffer(file: string): Promise<{ readonly file: Slices; close(): Promise<void> }> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw new DataFileError(reasonOf(error));
  });
  const { size } = await handle.stat();
  return {
    file: {
      byteLength: size,
      async slice(start, end = size) {
        // Offsets stand in the file itself, which may say anything.
        const length = end - start;
        if (!(start >= 0 && length >= 0 && end <= size && length <= MAX_SLICE))
          throw new DataFileError('the file ends early');
        const bytes = new Uint8Array(length);
        const { bytesRead } = await handle.read(bytes, 0, length, start);
        if (bytesRead < length) throw new DataFileError('the file ends early');
        return bytes.buffer;
      },
    },
    close: () => handle.close(),
  };
}
