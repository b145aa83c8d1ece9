/**
 * A bundle as bytes: a header and four sections at multiples of 64, every byte of the file under a checksum. The layout
 * stands in docs/architecture.md; runtime-native/src/bundle.cpp reads it too. What the sections hold is no matter here.
 */
import { ALIGNMENT } from '../plan/plan';
import type { Hash64 } from '../plan/fnv1a';
import { checksumOf } from './checksum';

const MAGIC = 'DLCB';
const VERSION = 1;
const HEADER_BYTES = 128;
/** The header's checksum covers it from here on. */
const COVERED_FROM = 16;
const TABLE = 24;
const ENTRY_BYTES = 24;

/** In the order in which they stand in the file. */
export const SECTIONS = ['interface', 'plan', 'states', 'model'] as const;
export type Section = (typeof SECTIONS)[number];
export type Sections = Readonly<Record<Section, Uint8Array>>;

/** What is wrong with a file, without its name. */
export class BundleError extends Error {}

const padded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

export function encodeBundle(sections: Sections): Uint8Array {
  const total = SECTIONS.reduce((sum, name) => sum + padded(sections[name].length), HEADER_BYTES);
  const file = new Uint8Array(total);
  const view = new DataView(file.buffer);
  file.set(new TextEncoder().encode(MAGIC));
  view.setUint32(4, VERSION, true);
  view.setBigUint64(16, BigInt(total), true);
  let offset = HEADER_BYTES;
  SECTIONS.forEach((name, i) => {
    const bytes = sections[name];
    const end = offset + padded(bytes.length);
    file.set(bytes, offset);
    const entry = TABLE + i * ENTRY_BYTES;
    view.setBigUint64(entry, BigInt(offset), true);
    view.setBigUint64(entry + 8, BigInt(bytes.length), true);
    setHash(view, entry + 16, checksumOf(file.subarray(offset, end)));
    offset = end;
  });
  setHash(view, 8, checksumOf(file.subarray(COVERED_FROM, HEADER_BYTES)));
  return file;
}

/** The sections, as parts of the file's memory. Throws BundleError. */
export function decodeBundle(file: Uint8Array): Sections {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 4 || new TextDecoder('latin1').decode(file.subarray(0, 4)) !== MAGIC) refuse('not a bundle');
  if (file.length < HEADER_BYTES) refuse('the file ends early');
  const version = view.getUint32(4, true);
  if (version !== VERSION)
    refuse(`a bundle of version ${version}; this dlc reads version ${VERSION}: compile it again`);
  if (!hasHash(view, 8, checksumOf(file.subarray(COVERED_FROM, HEADER_BYTES)))) {
    refuse('the header is not what was saved (the checksum differs)');
  }
  const size = view.getBigUint64(16, true);
  if (size !== BigInt(file.length))
    refuse(size > file.length ? 'the file ends early' : 'there are bytes after the end');
  let offset = HEADER_BYTES;
  const sections = SECTIONS.map((name, i): [Section, Uint8Array] => {
    const entry = TABLE + i * ENTRY_BYTES;
    const bytes = Number(view.getBigUint64(entry + 8, true));
    const end = offset + padded(bytes);
    if (view.getBigUint64(entry, true) !== BigInt(offset) || !(end <= file.length)) {
      refuse(`the section of the ${name} lies outside of the file`);
    }
    if (!hasHash(view, entry + 16, checksumOf(file.subarray(offset, end)))) {
      refuse(`the ${name} ${name === 'states' ? 'are' : 'is'} not what was saved (the checksum differs)`);
    }
    const section = file.subarray(offset, offset + bytes);
    offset = end;
    return [name, section];
  });
  if (offset !== file.length) refuse('there are bytes after the last section');
  return Object.fromEntries(sections) as Record<Section, Uint8Array>;
}

function refuse(problem: string): never {
  throw new BundleError(problem);
}

function setHash(view: DataView, at: number, { low, high }: Hash64): void {
  view.setUint32(at, low, true);
  view.setUint32(at + 4, high, true);
}

function hasHash(view: DataView, at: number, { low, high }: Hash64): boolean {
  return view.getUint32(at, true) === low && view.getUint32(at + 4, true) === high;
}
