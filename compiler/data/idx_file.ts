/**
 * Reads an IDX file of unsigned bytes: two zero bytes, the type, the rank, the extents big-endian, then the data.
 * Gzip is recognized by its magic. Memory is bounded by what the header declares, and the header by what a file of
 * this size can hold, so that neither a bomb nor a lie allocates.
 */
import { createReadStream, type ReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { reasonOf } from './paths';

export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** The file is not what it should be; the caller knows the place to report it at. */
export class DataFileError extends Error {
  override readonly name = 'DataFileError';
}

const TYPES: Readonly<Record<number, string>> = {
  0x09: 'signed bytes',
  0x0b: '16-bit integers',
  0x0c: '32-bit integers',
  0x0d: '32-bit floats',
  0x0e: '64-bit floats',
};

/** Deflate makes at most 1032 bytes of one. */
const MAX_RATIO = 1032;
const CHUNK = 1 << 20;

export async function readIdx(file: string): Promise<IdxArray> {
  const { size, gzipped } = await probe(file);
  const reader = new IdxReader(size, gzipped);
  const raw = createReadStream(file, { highWaterMark: CHUNK });
  const gunzip = gzipped ? createGunzip({ chunkSize: CHUNK }) : undefined;
  const source = gunzip ? raw.pipe(gunzip) : raw;
  if (gunzip) raw.on('error', (error) => gunzip.destroy(error));
  try {
    for await (const chunk of source) reader.take(chunk as Buffer);
  } catch (error) {
    throw error instanceof DataFileError ? error : new DataFileError(reader.explain(error));
  } finally {
    raw.destroy();
    gunzip?.destroy();
  }
  return reader.finish();
}

async function probe(file: string): Promise<{ size: number; gzipped: boolean }> {
  const info = await stat(file).catch((error: unknown) => {
    throw new DataFileError(reasonOf(error));
  });
  if (!info.isFile()) throw new DataFileError(info.isDirectory() ? 'it is a folder' : 'it is not a regular file');
  const magic: Buffer[] = [];
  const head: ReadStream = createReadStream(file, { end: 1 });
  try {
    for await (const chunk of head) magic.push(chunk as Buffer);
  } catch (error) {
    throw new DataFileError(reasonOf(error));
  }
  return { size: info.size, gzipped: Buffer.concat(magic).equals(Buffer.from([0x1f, 0x8b])) };
}

class IdxReader {
  #head = Buffer.alloc(0);
  #shape: number[] | undefined;
  #data = new Uint8Array();
  #filled = 0;

  constructor(
    readonly fileBytes: number,
    readonly gzipped: boolean,
  ) {}

  take(chunk: Buffer): void {
    let body = chunk;
    if (!this.#shape) {
      this.#head = Buffer.concat([this.#head, chunk]);
      const end = this.#readHeader();
      if (end === undefined) return;
      body = this.#head.subarray(end);
    }
    if (this.#filled + body.length > this.#data.length) {
      throw new DataFileError(`${this.#promise()} and goes on after them`);
    }
    this.#data.set(body, this.#filled);
    this.#filled += body.length;
  }

  finish(): IdxArray {
    if (!this.#shape) throw new DataFileError(this.#head.length === 0 ? 'the file is empty' : 'the header is cut off');
    if (this.#filled < this.#data.length) throw new DataFileError(`${this.#promise()} but holds ${this.#held()}`);
    return { shape: this.#shape, data: this.#data };
  }

  /** What a failing stream means. */
  explain(error: unknown): string {
    const code = (error as NodeJS.ErrnoException).code;
    const so = this.#shape ? `: it ${this.#promise()} but holds ${this.#held()}` : '';
    if (code === 'Z_BUF_ERROR') return `the gzip stream ends early${so}`;
    if (code?.startsWith('Z_')) return `the gzip stream is damaged (${(error as Error).message})${so}`;
    return reasonOf(error);
  }

  /** The end of the header, or undefined where more bytes are needed. */
  #readHeader(): number | undefined {
    const head = this.#head;
    if (head.length < 4) return undefined;
    const [zero, zeroToo, type, rank] = [head[0]!, head[1]!, head[2]!, head[3]!];
    if (zero !== 0 || zeroToo !== 0 || !(type === 0x08 || type in TYPES)) throw new DataFileError('not an IDX file');
    if (type !== 0x08) throw new DataFileError(`holds ${TYPES[type]!}; only unsigned bytes are read`);
    if (rank < 1 || rank > 8) throw new DataFileError(`has ${rank} axes; 1 to 8 are read`);
    const end = 4 + 4 * rank;
    if (head.length < end) return undefined;
    const shape = Array.from({ length: rank }, (_, axis) => head.readUInt32BE(4 + 4 * axis));
    const bytes = shape.reduce((product, extent) => product * extent, 1);
    this.#shape = shape;
    const most = this.gzipped ? this.fileBytes * MAX_RATIO : this.fileBytes - end;
    if (bytes > most) {
      const room = Math.floor(most / (bytes / shape[0]!));
      throw new DataFileError(
        this.gzipped
          ? `${this.#promise()}, more than a file of ${this.fileBytes.toLocaleString('en-US')} bytes can hold`
          : `${this.#promise()} but holds ${room.toLocaleString('en-US')}`,
      );
    }
    this.#data = new Uint8Array(bytes);
    return end;
  }

  #promise(): string {
    const [count, ...sample] = this.#shape!;
    const each = sample.length > 0 ? ` of ${sample.join('x')}` : '';
    return `says ${count!.toLocaleString('en-US')} ${sample.length > 0 ? 'images' : 'labels'}${each}`;
  }

  #held(): string {
    const each = this.#data.length / (this.#shape![0]! || 1);
    return Math.floor(this.#filled / (each || 1)).toLocaleString('en-US');
  }
}
