/** Members of a zip archive, read with bounds: what an archive says of itself is believed only where it can be true. */
import { unzipSync, type UnzipFileInfo } from 'fflate';

export class UnzipError extends Error {
  override readonly name = 'UnzipError';
}

/** Deflate makes at most 1032 bytes of one: a member that says more lies. */
const MAX_RATIO = 1032;

/** The members that `wanted` says yes to, by name; together they hold at most `maxBytes`. */
export function unzip(
  archive: Uint8Array,
  maxBytes: number,
  wanted: (name: string) => boolean,
): Record<string, Uint8Array> {
  let total = 0;
  const filter = ({ name, size, originalSize }: UnzipFileInfo): boolean => {
    if (!wanted(name)) return false;
    total += originalSize;
    if (originalSize > size * MAX_RATIO + 64 || size > archive.length)
      throw new UnzipError(`the size of \`${name.slice(0, 80)}\` cannot be true`);
    if (total > maxBytes) throw new UnzipError(`it says it holds more than ${maxBytes} bytes`);
    return true;
  };
  try {
    return unzipSync(archive, { filter });
  } catch (error) {
    if (error instanceof UnzipError) throw error;
    throw new UnzipError(`the archive is damaged (${(error as Error).message})`);
  }
}
