/** Masks out of image files: every pixel of the wanted size takes the class of the nearest one, without mixing. */
import { DataFileError } from '../idx_file';
import type { Fit } from '../image';
import type { PixelReader } from './colours';

export interface MaskSize {
  readonly height: number;
  readonly width: number;
}

interface Raw extends MaskSize {
  readonly bytes: Uint8Array;
  readonly channels: number;
}

async function decodeRaw(file: string): Promise<Raw> {
  const { default: sharp } = await import('sharp');
  const { data, info } = await sharp(file, { failOn: 'truncated' })
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((error: unknown) => {
      throw new DataFileError(`not a readable image (${(error as Error).message.split('\n')[0]!.trim()})`);
    });
  // Sixteen bits would come as two bytes.
  if (data.length !== info.width * info.height * info.channels) {
    throw new DataFileError('not a readable image (its samples have more than 8 bits)');
  }
  return { bytes: data, channels: info.channels, height: info.height, width: info.width };
}

/** For each place along an axis of the result, the pixel it comes from; −1 is border. */
function places(from: number, to: number, scale: number): Int32Array {
  const offset = (to - from * scale) / 2;
  return Int32Array.from({ length: to }, (_, i) => {
    const at = Math.floor((i + 0.5 - offset) / scale);
    return i + 0.5 < offset || i + 0.5 >= to - offset ? -1 : Math.min(from - 1, Math.max(0, at));
  });
}

export async function decodeMask(
  file: string,
  size: MaskSize,
  fit: Fit,
  read: PixelReader,
  border: number,
): Promise<Uint8Array> {
  const raw = await decodeRaw(file);
  const scales = [size.height / raw.height, size.width / raw.width] as const;
  const common = fit === 'crop' ? Math.max(...scales) : fit === 'pad' ? Math.min(...scales) : undefined;
  const rows = places(raw.height, size.height, common ?? scales[0]);
  const columns = places(raw.width, size.width, common ?? scales[1]);
  const mask = new Uint8Array(size.height * size.width);
  for (const [y, fromY] of rows.entries()) {
    for (const [x, fromX] of columns.entries()) {
      const outside = fromY < 0 || fromX < 0;
      mask[y * size.width + x] = outside
        ? border
        : read(raw.bytes, (fromY * raw.width + fromX) * raw.channels, raw.channels);
    }
  }
  return mask;
}
