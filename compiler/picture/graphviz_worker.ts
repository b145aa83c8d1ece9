/**
 * The thread that Graphviz runs in, as WebAssembly: a graph that keeps it busy for ever costs this thread and nothing else,
 * and so does what it prints. Each message is a text in DOT; each answer what it says of it in json0.
 */
import { parentPort } from 'node:worker_threads';
import { instance } from '@viz-js/viz';

export type LayoutReply =
  { readonly kind: 'laid out'; readonly text: string } | { readonly kind: 'failed'; readonly message: string };

// What it thinks of its own splines is for nobody; a stream that holds unread text would keep the process alive.
console.error = () => undefined;
const graphviz = instance();

async function answer(text: string): Promise<LayoutReply> {
  const viz = await graphviz;
  const result = viz.render(text, { format: 'json0', engine: 'dot', yInvert: true });
  if (result.status === 'success') return { kind: 'laid out', text: result.output };
  return { kind: 'failed', message: result.errors.map(({ message }) => message).join('; ') };
}

parentPort?.on('message', (text: string) => {
  void answer(text)
    .catch((error: unknown): LayoutReply => ({ kind: 'failed', message: String(error) }))
    .then((reply) => parentPort?.postMessage(reply));
});
