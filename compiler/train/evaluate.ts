/** Losses and metrics over a whole data set, exact: accumulators are summed over all batches, the last partial one included. */
import { knownClasses } from '../data/classes';
import type { Dataset } from '../data/define';
import { SpecError } from '../diagnostics/errors';
import type { Spec, TermSpec } from '../frontend/spec';
import type { NativeSession } from '../native/runtime';
import { Collected } from './collected';
import { Draws } from './draws';
import { Accumulators, type Evaluation, type Outputs } from './figures';
import type { Feed } from './feed';
import { failureIn } from './non-finite';
import { programName } from './programs';

export interface EvaluateOptions {
  readonly batchSize: number;
  readonly onProgress?: (done: number, total: number) => void;
}

export async function evaluate(
  spec: Spec,
  session: NativeSession,
  feed: Feed,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const sums = new Accumulators();
  const collected = new Collected(spec, session, feed.samples, options.batchSize);
  const draws = new Draws(spec.train?.seed ?? 0);
  const total = feed.samples;
  const sizeAt = (position: number): number => Math.min(options.batchSize, total - position);
  let next = feed.read(0, 0, sizeAt(0), false);
  for (let position = 0; position < total;) {
    const count = sizeAt(position);
    const inputs = await next;
    const program = programName('eval', count);
    const running = session.run(program, 1, { ...inputs, ...draws.next(session, program) });
    position += count;
    // The next batch is read while this one runs.
    if (position < total) next = feed.read(0, position, sizeAt(position), false);
    const result = await running;
    if (!result.ok) {
      throw new SpecError([failureIn(spec, result, `evaluating samples ${position - count}..${position - 1}`)]);
    }
    const outputs = result.outputs as Outputs;
    sums.add(outputs, 0, 1);
    collected.add(outputs);
    options.onProgress?.(position, total);
  }
  return sums.evaluation(spec, collected, (term) => classNamesOf(term, feed.dataset));
}

/** What the data call the classes of a metric's labels, or of the only labels that they have names for. */
function classNamesOf({ inputs }: TermSpec, { learned, classes }: Dataset): readonly string[] | undefined {
  for (const input of inputs) {
    const names = knownClasses(learned, input);
    if (names) return names;
  }
  return classes;
}
