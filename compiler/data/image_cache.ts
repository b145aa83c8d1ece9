/**
 * Decoded images in the user's cache: a line of JSON (class names, counts, checksum), the labels, the pixels.
 * A file that is not exactly that is not used, whatever happened to it.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writeCacheFile } from './cache';

export interface DecodedImages {
  readonly classes: readonly string[];
  readonly labels: Int32Array;
  /** Planes (C, H, W) of sample after sample. */
  readonly pixels: Uint8Array;
}

interface Head {
  readonly classes: readonly string[];
  readonly count: number;
  readonly sha256: string;
}

function checksum(labels: Uint8Array, pixels: Uint8Array): string {
  return createHash('sha256').update(labels).update(pixels).digest('hex');
}

export async function readImageCache(file: string): Promise<DecodedImages | undefined> {
  const bytes = await readFile(file).catch(() => undefined);
  const end = bytes?.indexOf(10) ?? -1;
  if (!bytes || end < 0) return undefined;
  let head: Head;
  try {
    head = JSON.parse(bytes.toString('utf8', 0, end)) as Head;
  } catch {
    return undefined;
  }
  const labels = bytes.subarray(end + 1, end + 1 + 4 * head.count);
  const pixels = bytes.subarray(end + 1 + 4 * head.count);
  if (labels.length !== 4 * head.count || checksum(labels, pixels) !== head.sha256) return undefined;
  const aligned = new Int32Array(head.count);
  new Uint8Array(aligned.buffer).set(labels);
  return { classes: head.classes, labels: aligned, pixels };
}

export function writeImageCache(file: string, { classes, labels, pixels }: DecodedImages): boolean {
  const labelBytes = new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength);
  const head: Head = { classes, count: labels.length, sha256: checksum(labelBytes, pixels) };
  return writeCacheFile(file, [Buffer.from(`${JSON.stringify(head)}\n`), labelBytes, pixels]);
}
