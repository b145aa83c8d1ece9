/**
 * The main thread's end of the HDF5 worker: starts it on first use, asks, waits no longer than a time limit, and ends
 * it after a failure (its memory can't be trusted then) or when it has been idle.
 */
import { Worker } from 'node:worker_threads';
import { workerFile } from '../files';
import type { H5Op, H5Reply, H5Request, H5Requests } from './h5_protocol';

/** libhdf5 could not do it: the file is bad, or the system failed underneath (`code`), or time ran out. */
export class Hdf5Error extends Error {
  override readonly name = 'Hdf5Error';
  constructor(
    message: string,
    readonly code?: string,
  ) {
    super(message);
  }
}

export const TIMED_OUT = 'ETIMEDOUT';
const IDLE_MS = 20_000;

interface Waiting {
  readonly resolve: (value: H5Requests[H5Op]['reply']) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
  /** Milliseconds on the clock of performance.now(). */
  readonly deadline: number;
  readonly limitMs: number;
}

const late = (limitMs: number): Hdf5Error =>
  new Hdf5Error(`libhdf5 gave no answer for ${limitMs / 1000} seconds`, TIMED_OUT);

/** An open file in the worker. */
export interface H5Session {
  ask<O extends H5Op>(op: O, args: H5Requests[O]['args'], move?: Uint8Array): Promise<H5Requests[O]['reply']>;
}

class Client {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  broken = false;

  constructor(file: string) {
    // What the library has to say beside its errors (about bad text in a file) is nobody's to read.
    this.#worker = new Worker(file, { stdout: true, stderr: true });
    this.#worker.on('message', (reply: H5Reply) => this.#settle(reply));
    this.#worker.on('error', (error: Error) => this.end(new Hdf5Error(`libhdf5 failed: ${error.message}`)));
    this.#worker.on('exit', () => this.end(new Hdf5Error('libhdf5 ended unexpectedly')));
  }

  ask<O extends H5Op>(
    op: O,
    args: H5Requests[O]['args'],
    limitMs: number,
    move?: Uint8Array,
  ): Promise<H5Requests[O]['reply']> {
    if (this.broken) return Promise.reject(new Hdf5Error('libhdf5 has ended'));
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      const timer = setTimeout(() => this.end(late(limitMs)), limitMs);
      this.#waiting.set(id, { resolve: resolve, reject, timer, deadline: performance.now() + limitMs, limitMs });
      const request: H5Request = { id, op, args };
      this.#worker.ref();
      this.#worker.postMessage(request, move ? [move.buffer as ArrayBuffer] : []);
    });
  }

  #settle(reply: H5Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    // A busy main thread may read an answer before it sees that its timer has run out: both end the same.
    if (performance.now() >= waiting.deadline) {
      this.end(late(waiting.limitMs));
      return;
    }
    this.#waiting.delete(reply.id);
    clearTimeout(waiting.timer);
    // An idle worker keeps no process alive. Only here: before it has answered once, Node holds on to it regardless.
    if (this.#waiting.size === 0) this.#worker.unref();
    if (reply.ok) waiting.resolve(reply.value);
    else waiting.reject(new Hdf5Error(reply.message, reply.code));
  }

  end(reason: Error): void {
    this.broken = true;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(reason);
    }
    this.#waiting.clear();
    void this.#worker.terminate();
  }
}

let client: Client | undefined;
let idle: NodeJS.Timeout | undefined;
let turn: Promise<unknown> = Promise.resolve();

/** Runs one use of the worker, from opening a file to closing it; uses wait for each other. */
export function withHdf5<T>(limitMs: number, use: (session: H5Session) => Promise<T>): Promise<T> {
  const run = async (): Promise<T> => {
    clearTimeout(idle);
    const current = (client = client && !client.broken ? client : new Client(workerFile('h5-worker.js')));
    try {
      return await use({ ask: (op, args, move) => current.ask(op, args, limitMs, move) });
    } catch (error) {
      // A file that was refused for what it says is closed; after a failure of libhdf5 its memory can't be trusted.
      const closed =
        error instanceof Hdf5Error
          ? false
          : await current.ask('close', {}, limitMs).then(
              () => true,
              () => false,
            );
      if (!closed) current.end(new Hdf5Error('libhdf5 was stopped'));
      throw error;
    } finally {
      idle = setTimeout(() => current.end(new Hdf5Error('libhdf5 was idle')), IDLE_MS).unref();
    }
  };
  const result = turn.then(run, run);
  turn = result.catch(() => undefined);
  return result;
}
