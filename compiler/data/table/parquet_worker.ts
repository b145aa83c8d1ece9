/**
 * The worker that reads Parquet: a damaged page can keep the reader busy for ever, which then costs this thread and
 * nothing else. It tells names and number of rows, then the rows in blocks, one for each message that asks.
 */
import { open } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { DataFileError } from '../idx_file';

/** A value of a cell as JSON has it. */
type Plain = null | boolean | number | string | readonly Plain[];

export type ParquetReply =
  | { readonly kind: 'head'; readonly names: readonly string[]; readonly rows: number }
  | { readonly kind: 'rows'; readonly cells: readonly (readonly Plain[])[] }
  | { readonly kind: 'failed'; readonly message: string };

const BLOCK = 65_536;
const MAX_SLICE = 2 ** 30;

const send = (reply: ParquetReply): void => parentPort?.postMessage(reply);

// Of several reads that fail the library waits for the first alone.
process.on('unhandledRejection', () => undefined);

function plain(value: unknown): Plain {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.from(value as ArrayLike<unknown>, plain);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

async function serve(path: string): Promise<void> {
  const handle = await open(path, 'r');
  const { size } = await handle.stat();
  const file = {
    byteLength: size,
    async slice(start: number, end = size): Promise<ArrayBuffer> {
      // Offsets stand in the file itself, which may say anything.
      const length = end - start;
      const bytes = start >= 0 && length >= 0 && length <= MAX_SLICE ? new Uint8Array(length) : undefined;
      const read = bytes && (await handle.read(bytes, 0, length, start)).bytesRead;
      if (!bytes || read !== length) throw new DataFileError('the file ends early');
      return bytes.buffer;
    },
  };
  const metadata = await parquetMetadataAsync(file);
  const names = parquetSchema(metadata).children.map(({ element }) => element.name);
  const rows = Number(metadata.num_rows);
  send({ kind: 'head', names, rows });
  let start = 0;
  const failed = (error: unknown): void => send({ kind: 'failed', message: (error as Error).message });
  const next = async (): Promise<void> => {
    const rowEnd = Math.min(rows, start + BLOCK);
    const read = await parquetReadObjects({ file, metadata, rowStart: start, rowEnd });
    start = rowEnd;
    send({ kind: 'rows', cells: read.map((row) => names.map((name) => plain(row[name]))) });
  };
  parentPort?.on('message', () => void next().catch(failed));
}

serve((workerData as { readonly path: string }).path).catch((error: unknown) =>
  send({ kind: 'failed', message: (error as Error).message }),
);
