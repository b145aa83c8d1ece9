/** A column of names of image files: the images, decoded once to the size of their input and kept in memory and cache. */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import path from 'node:path';
import { dataCorrupt, dataMismatch } from '../../diagnostics/catalogue';
import type { Diagnostic } from '../../diagnostics/diagnostic';
import { SpecError } from '../../diagnostics/errors';
import type { Fields, InputSpec, SectionSpec } from '../../frontend/spec';
import { elementCount } from '../../ir/types';
import { describeInput, isPixelInput, sampleShape } from '../bind';
import type { OpenContext, ReadContext, TypedArray } from '../define';
import { DataFileError } from '../idx_file';
import { imageDecoder, isImageShape, type Fit } from '../image';
import { readImageCache, writeImageCache } from '../image_cache';
import { resolveDataPath } from '../paths';
import { pixelFormat, PixelTransform } from '../pixels';
import { cellText, type Cell, type Table } from './read';

const IN_FLIGHT = 32;
const MAX_BYTES = 2 ** 32;

export interface ImageColumn {
  readonly input: string;
  read(indices: ArrayLike<number>, how: ReadContext, into: TypedArray): void;
}

interface Given {
  readonly name: string;
  readonly fields: Fields;
  readonly input: InputSpec;
  readonly cells: readonly Cell[];
}

export async function openImageColumn(
  section: SectionSpec,
  context: OpenContext,
  entry: Given,
  table: Pick<Table, 'place'>,
): Promise<ImageColumn> {
  const { name, fields, input } = entry;
  // Fields of pixels are read where they stand: in the column.
  const own: SectionSpec = { ...section, fields, at: (at, part) => section.at(['columns', name, ...at], part) };
  const problems: Diagnostic[] = [];
  const shape = sampleShape(own, input, problems) ?? [];
  if (problems.length === 0 && (!isImageShape(shape) || !isPixelInput(input))) {
    const sides = [{ name: input.name, type: describeInput(input), at: input.origin.at }];
    problems.push(dataMismatch(own.at([]), 'images go to an input [N, C, H, W] with 1, 3 or 4 channels', sides));
  }
  const transform = new PixelTransform(own, shape, input.dtype, context.mode, problems);
  if (problems.length > 0) throw new SpecError(problems);
  const size = elementCount(shape);
  const pixels = await decodeAll(own, context, entry, table, { shape, size });
  return {
    input: input.name,
    read(indices, how, into) {
      for (let row = 0; row < indices.length; row++) {
        transform.apply(pixels, indices[row]! * size, indices[row]!, how, into, row * size);
      }
    },
  };
}

async function decodeAll(
  own: SectionSpec,
  context: OpenContext,
  { cells }: Given,
  table: Pick<Table, 'place'>,
  { shape, size }: { readonly shape: readonly number[]; readonly size: number },
): Promise<Uint8Array> {
  const { root = '.', fit = 'stretch' } = own.fields as { readonly root?: string; readonly fit?: Fit };
  if (cells.length * size > MAX_BYTES)
    throw new SpecError([
      dataCorrupt(own.at([]), table.place(0), `with it ${cells.length} images make more than 4 GiB`),
    ]);
  const files = cells.map((cell) => resolveDataPath(own, ['root'], path.join(root, cellText(cell)), context));
  const marks = files.map((file) => {
    const { size: bytes, mtimeMs } = statSync(file);
    return [file, bytes, mtimeMs];
  });
  const decoder = await imageDecoder();
  const key = createHash('sha256').update(JSON.stringify(['column', marks, fit, shape, decoder.versions]));
  const cache = path.join(context.cacheDir, 'images', `${key.digest('hex')}.bin`);
  const cached = await readImageCache(cache);
  if (cached) return cached.pixels;
  const pixels = new Uint8Array(cells.length * size);
  let [next, done] = [0, 0];
  const work = async (): Promise<void> => {
    while (next < files.length) {
      const index = next++;
      const image = await decoder.decode(files[index]!, pixelFormat(shape), fit).catch((error: unknown) => {
        if (!(error instanceof DataFileError)) throw error;
        const problem = `\`${cellText(cells[index]!)}\` is ${error.message}`;
        throw new SpecError([dataCorrupt(own.at([]), table.place(index), problem)]);
      });
      pixels.set(image, index * size);
      context.onProgress?.({ what: 'decoding images', done: ++done, total: files.length });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  writeImageCache(cache, { classes: [], labels: new Int32Array(cells.length), pixels });
  return pixels;
}
