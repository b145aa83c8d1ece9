/** Weights as Keras 3 keeps them: an HDF5 file with a dataset for each, at the path of its layer. */
import path from 'node:path';
import { bytesIn } from '../../../data/typed_array';
import { RuntimeFault } from '../../../diagnostics/errors';
import { blocksOf } from '../../../weights/blocks';
import { Hdf5Error, withHdf5 } from '../../../weights/h5_client';
import type { Numbers } from '../../formats/keras/tensors';

const LIMIT_MS = 600_000;
const BLOCK_BYTES = 16 * 2 ** 20;

export async function writeKerasWeights(file: string, weights: ReadonlyMap<string, Numbers>): Promise<void> {
  try {
    await withHdf5(LIMIT_MS, async (session) => {
      // The thread with libhdf5 has a folder of its own.
      await session.ask('create', { path: path.resolve(file) });
      const groups = new Set(['/layers']);
      for (const path of weights.keys()) {
        const parts = path.split('/');
        for (let depth = 2; depth < parts.length; depth++) groups.add(parts.slice(0, depth).join('/'));
      }
      for (const path of groups) await session.ask('group', { path });
      for (const [path, { shape, data }] of weights) {
        const bytes = bytesIn(data);
        if (bytes.length <= BLOCK_BYTES) {
          await session.ask('dataset', { path, type: 'f32', shape, data: bytes });
          continue;
        }
        await session.ask('dataset', { path, type: 'f32', shape });
        for (const { offset, count, start, length } of blocksOf(shape, BLOCK_BYTES / 4))
          await session.ask('write', { path, offset, count, data: bytes.subarray(4 * start, 4 * (start + length)) });
      }
      await session.ask('close', {});
    });
  } catch (error) {
    if (!(error instanceof Hdf5Error) || error.code !== undefined) throw error;
    throw new RuntimeFault('cannot-write', `\`${file}\` could not be saved: ${error.message}`);
  }
}
