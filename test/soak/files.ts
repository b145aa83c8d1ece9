/** Damaged weight, IDX, .npy and PNG files through the loaders that the command line uses. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { encodeNpy } from '../../compiler/data/npy';
import { RuntimeFault, SpecError } from '../../compiler/diagnostics/errors';
import { loadSpecText } from '../../compiler/frontend/load';
import type { Spec } from '../../compiler/frontend/spec';
import { openFeed } from '../../compiler/train/feed';
import { interfaceOf } from '../../compiler/train/interface';
import { readInputFiles } from '../../compiler/train/predict-inputs';
import { modelStates } from '../../compiler/train/programs';
import { loadWeights, readAttributes, saveWeights } from '../../compiler/weights/files';
import { idxBytes, idxText, TINY } from './tiny';
import { generator } from '../support/samples';
import type { CampaignDef } from './campaign';
import { mutateBytes, pick } from './mutate';

interface Kind {
  readonly good: Uint8Array;
  readonly name: string;
  readonly read: (file: string) => Promise<unknown>;
}

export const files: CampaignDef = {
  limit: 90,
  open: async (scratch) => {
    const spec = loadSpecText(TINY, path.join(scratch, 'model.yaml'));
    const kinds = await kindsOf(spec, scratch);
    const run = async (seed: number): Promise<string> => {
      const random = generator(seed);
      const { good, name, read } = pick(random, kinds);
      const file = path.join(scratch, name);
      writeFileSync(file, mutateBytes(good, random));
      try {
        await read(file);
        return `${name} read`;
      } catch (error) {
        if (error instanceof SpecError) return `${name} ${error.diagnostics[0]!.code}`;
        // A file may say that it holds more than the machine has.
        if (error instanceof RuntimeFault && error.code === 'out-of-memory') return `${name} ${error.code}`;
        throw error;
      }
    };
    return { run };
  },
};

async function kindsOf(spec: Spec, scratch: string): Promise<Kind[]> {
  const states = modelStates(spec);
  const tensors = states.map(({ name, dtype, shape }) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    return [name, { dtype, shape, data: new Float32Array(size).fill(0.5) }] as const;
  });
  const slots = tensors.map(([name, tensor]) => [`${name}.first`, tensor] as const);
  const weights = path.join(scratch, 'good.h5');
  const state = { step: 3, epoch: 0, seed: 0, accumulators: {} };
  await saveWeights(weights, { tensors: new Map(tensors), spec: spec.resolved, optimizer: new Map(slots), state });
  const pixels = Uint8Array.from({ length: 40 * 36 }, (_, i) => i % 251);
  const labels = Uint8Array.from({ length: 40 }, (_, i) => i % 3);
  writeFileSync(path.join(scratch, 'labels.idx'), idxBytes([40], labels));
  const data = Float32Array.from(pixels.subarray(0, 72), Number);
  const png = await sharp(pixels.subarray(0, 36), { raw: { width: 6, height: 6, channels: 1 } })
    .png()
    .toBuffer();
  const predict = (file: string): Promise<unknown> => readInputFiles(interfaceOf(spec), [{ input: 'image', file }]);
  const train = async (file: string): Promise<void> => {
    const given = loadSpecText(idxText(path.basename(file)), path.join(scratch, 'model.yaml'));
    const feed = await openFeed(given, 'train', ['image', 'label'], { allowOutside: false, seed: 0 });
    try {
      await feed.read(0, 0, feed.samples, true);
    } finally {
      feed.close();
    }
  };
  const idx = idxBytes([40, 6, 6], pixels);
  return [
    { name: 'weights.h5', good: readFileSync(weights), read: (file) => loadWeights(file, { expected: states }) },
    { name: 'checkpoint.h5', good: readFileSync(weights), read: (file) => loadWeights(file, { checkpoint: true }) },
    { name: 'model.h5', good: readFileSync(weights), read: (file) => readAttributes(file) },
    { name: 'images.idx', good: idx, read: train },
    { name: 'images.idx.gz', good: gzipSync(idx), read: train },
    { name: 'image.npy', good: encodeNpy({ dtype: 'f32', shape: [2, 1, 6, 6], data }), read: predict },
    { name: 'image.png', good: png, read: predict },
  ];
}
