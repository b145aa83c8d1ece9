/** The main thread's end of Graphviz: started when the first picture is drawn, asked for one layout after the other. */
import { Worker } from 'node:worker_threads';
import { workerFile } from '../files';
import type { LayoutReply } from './graphviz_worker';

/** The picture cannot be laid out; the message says why. */
export class LayoutError extends Error {
  override readonly name = 'LayoutError';
}

/** Ten times what the largest picture that is let through takes on a slow machine. */
const LIMIT_MS = 60_000;

let worker: Worker | undefined;
let turn: Promise<unknown> = Promise.resolve();

/** What Graphviz says of a text in DOT, in its format json0. */
export function graphviz(text: string, limitMs = LIMIT_MS): Promise<string> {
  const result = turn.then(() => ask(text, limitMs));
  turn = result.catch(() => undefined);
  return result;
}

function ask(text: string, limitMs: number): Promise<string> {
  const asked = (worker ??= started());
  return new Promise((resolve, reject) => {
    const settle = (reply: LayoutReply): void => {
      clearTimeout(timer);
      asked.off('message', settle).off('error', crashed).off('exit', ended);
      // An idle worker keeps no process alive.
      asked.unref();
      if (reply.kind === 'laid out') {
        resolve(reply.text);
        return;
      }
      // What failed may have left its memory in any state.
      worker = undefined;
      void asked.terminate();
      reject(new LayoutError(`Graphviz cannot lay the picture out: ${reply.message}`));
    };
    const failed = (message: string): void => settle({ kind: 'failed', message });
    const crashed = (error: Error): void => failed(error.message);
    const ended = (): void => failed('it ended');
    const timer = setTimeout(() => failed(`no answer for ${limitMs / 1000} seconds`), limitMs);
    asked.on('message', settle).on('error', crashed).on('exit', ended);
    asked.ref();
    asked.postMessage(text);
  });
}

function started(): Worker {
  const fresh = new Worker(workerFile('graphviz-worker.js'), { stdout: true, stderr: true });
  fresh.on('error', () => {
    if (worker === fresh) worker = undefined;
  });
  return fresh;
}
