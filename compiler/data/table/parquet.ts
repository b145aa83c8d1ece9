/** Rows of a Parquet file, through a worker that gets no more than some time for each answer. */
import { Worker } from 'node:worker_threads';
import { workerFile } from '../../files';
import type { Json } from '../../frontend/spec';
import { DataFileError } from '../idx_file';
import type { ParquetReply } from './parquet_worker';

const LIMIT_MS = 60_000;
const MEMORY_MB = 4096;
const MAX_ROWS = 200_000_000;

export interface ParquetRows {
  readonly names: readonly string[];
  readonly rows: AsyncIterable<readonly Json[]>;
}

export async function openParquet(file: string, limitMs = LIMIT_MS): Promise<ParquetRows> {
  const worker = new Worker(workerFile('parquet-worker.js'), {
    workerData: { path: file },
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
    ...{ stdout: true, stderr: true },
  });
  const end = (): void => void worker.terminate();
  const answer = (): Promise<ParquetReply> =>
    new Promise((resolve) => {
      const settle = (reply: ParquetReply): void => {
        clearTimeout(timer);
        for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
        resolve(reply);
      };
      const failed = (message: string): void => settle({ kind: 'failed', message });
      const timer = setTimeout(() => failed(`no answer for ${limitMs / 1000} seconds`), limitMs);
      worker.on('message', settle);
      worker.on('error', (error: Error) => failed(error.message));
      worker.on('exit', () => failed('the reader ended'));
    });
  const expect = async <K extends ParquetReply['kind']>(kind: K): Promise<Extract<ParquetReply, { kind: K }>> => {
    const reply = await answer();
    if (reply.kind === kind) return reply as Extract<ParquetReply, { kind: K }>;
    end();
    throw new DataFileError(`not readable as Parquet (${reply.kind === 'failed' ? reply.message : reply.kind})`);
  };
  const { names, rows: total } = await expect('head');
  if (!(total >= 0 && total <= MAX_ROWS)) {
    end();
    throw new DataFileError(`says it has ${total} rows`);
  }
  async function* rows(): AsyncGenerator<readonly Json[]> {
    try {
      for (let done = 0; done < total;) {
        const coming = expect('rows');
        worker.postMessage('next');
        const { cells } = await coming;
        if (cells.length === 0) throw new DataFileError(`has ${done} rows of the ${total} that it says it has`);
        done += cells.length;
        yield* cells;
      }
    } finally {
      end();
    }
  }
  return { names, rows: rows() };
}
