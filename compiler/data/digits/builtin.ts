/**
 * The names `builtin:digits/…`: the data set that dlc draws itself, 12,000 digits to learn from and 2,000 to test.
 * Drawn once, kept as IDX files in the user's cache directory; where that can't be written they are drawn every time.
 */
import path from 'node:path';
import { unknownReference } from '../../diagnostics/catalogue';
import { SpecError } from '../../diagnostics/errors';
import type { Location } from '../../diagnostics/location';
import { writeCacheFile } from '../cache';
import { readIdx, type IdxArray } from '../idx_file';
import { drawDigit, SIDE } from './draw';

/** Part of the cached files' names: a change of the drawing must not meet files of before. */
const VERSION = 1;

const SPLITS = {
  train: { stream: 0x7261, count: 12_000 },
  test: { stream: 0x7465, count: 2_000 },
} as const;
type Split = keyof typeof SPLITS;

const NAMES = ['train-images', 'train-labels', 'test-images', 'test-labels'].map((part) => `builtin:digits/${part}`);

export function isBuiltin(name: string): boolean {
  return name.startsWith('builtin:');
}

/** The array that a built-in name stands for. */
export async function builtinDigits(at: Location, name: string, cacheDir: string): Promise<IdxArray> {
  if (!NAMES.includes(name)) throw new SpecError([unknownReference(at, name, 'built-in data set', NAMES)]);
  const [split, part] = name.slice('builtin:digits/'.length).split('-') as [Split, 'images' | 'labels'];
  const count = SPLITS[split].count;
  const shape = part === 'images' ? [count, SIDE, SIDE] : [count];
  const file = (which: string): string => path.join(cacheDir, `digits-${VERSION}`, `${split}-${which}.idx`);
  const cached = await readIdx(file(part)).catch(() => undefined);
  if (cached?.shape.join() === shape.join()) return cached;
  const drawn = drawDigits(split);
  writeCacheFile(file('images'), [idxHeader([count, SIDE, SIDE]), drawn.images]);
  writeCacheFile(file('labels'), [idxHeader([count]), drawn.labels]);
  return { shape, data: drawn[part] };
}

interface Drawn {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

/** Held for a moment: images and labels of a split are asked for together and drawn once. */
const recent = new Map<Split, Drawn>();

export function drawDigits(split: Split): Drawn {
  const known = recent.get(split);
  if (known) return known;
  const { stream, count } = SPLITS[split];
  const images = new Uint8Array(count * SIDE * SIDE);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const { label, pixels } = drawDigit(stream, i);
    images.set(pixels, i * SIDE * SIDE);
    labels[i] = label;
  }
  const drawn = { images, labels };
  recent.set(split, drawn);
  setTimeout(() => recent.delete(split), 1000).unref();
  return drawn;
}

/** The head of an IDX file of unsigned bytes. */
export function idxHeader(shape: readonly number[]): Uint8Array {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header[2] = 0x08;
  header[3] = shape.length;
  shape.forEach((extent, axis) => header.writeUInt32BE(extent, 4 + 4 * axis));
  return header;
}
