/**
 * HDF5 files of other programs, through the worker that keeps libhdf5: the listing, attributes of objects, and datasets
 * as tensors. Sizes in the file are compared with the size of the file before anything is allocated.
 */
import path from 'node:path';
import { bytesIn, typedArray } from '../data/typed_array';
import { byteSizeOf, elementCount, type DType } from '../ir/types';
import { blocksOf } from './blocks';
import type { WeightTensor } from './content';
import { Hdf5Error, TIMED_OUT, withHdf5 } from './h5_client';
import type { H5Dataset, H5Listing, H5Value } from './h5_protocol';

/** Longest wait for one answer of libhdf5: a damaged file can make it loop. */
const LIMIT_MS = 5_000;
const BLOCK_BYTES = 16 * 2 ** 20;
/** Datasets may be compressed: what they unpack to is at most so many times the file, and a little for small files. */
const MAX_RATIO = 64;
const SMALL_BYTES = 16 * 2 ** 20;

export type H5Attributes = Readonly<Record<string, H5Value>>;

export interface H5Reader {
  readonly listing: H5Listing;
  attributes(objects: readonly string[]): Promise<readonly H5Attributes[]>;
  /** Numbers of a dataset; undefined where it holds none that are read. */
  readonly tensor: (dataset: H5Dataset) => Promise<WeightTensor | undefined>;
}

const TYPES: Readonly<Record<string, DType>> = { f32: 'f32', f64: 'f64', u8: 'u8', i32: 'i32', i64: 'i64' };

/** `size` is that of the file; `unreadable` makes an error of what is wrong with it. */
export async function readOtherHdf5<T>(
  file: string,
  size: number,
  unreadable: (problem: string) => Error,
  use: (reader: H5Reader) => Promise<T>,
): Promise<T> {
  try {
    return await withHdf5(LIMIT_MS, async (session) => {
      const listing = await session.ask('open', { path: path.resolve(file) });
      let left = Math.max(size * MAX_RATIO, SMALL_BYTES);
      const result = await use({
        listing,
        attributes: (objects) => session.ask('attributes', { objects }),
        async tensor({ path: dataset, type, shape }) {
          const dtype = type === undefined ? undefined : TYPES[type];
          if (dtype === undefined) return undefined;
          left -= elementCount(shape) * byteSizeOf(dtype);
          if (!(left >= 0))
            throw unreadable(`\`${dataset}\` says it holds [${shape.join(', ')}], more than the file can`);
          const data = typedArray(dtype, elementCount(shape));
          const bytes = bytesIn(data);
          const each = byteSizeOf(dtype);
          for (const { offset, count, start, length } of blocksOf(shape, BLOCK_BYTES / each))
            bytes.set(await session.ask('read', { path: dataset, offset, count, bytes: length * each }), start * each);
          return { dtype, shape, data };
        },
      });
      await session.ask('close', {});
      return result;
    });
  } catch (error) {
    if (!(error instanceof Hdf5Error)) throw error;
    if (error.code === TIMED_OUT) throw unreadable(`could not be read in time (${error.message})`);
    if (/file signature not found|not an HDF5 file/i.test(error.message)) throw unreadable('not an HDF5 file');
    throw unreadable(`damaged (${error.message})`);
  }
}
