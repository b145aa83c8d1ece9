/**
 * Going on with a run: what has to be as it was, and what may have changed but is worth a word, because the run then is
 * none that could be had in one piece.
 */
import * as say from '../diagnostics/catalogue';
import type { Diagnostic } from '../diagnostics/diagnostic';
import { UsageError } from '../diagnostics/errors';
import type { Fields, Json, Spec } from '../frontend/spec';
import type { TrainState } from './train-state';

/** Steps mean the same samples only with the same seed, batch size and data. */
export function checkContinues(
  dir: string,
  state: TrainState,
  now: Pick<TrainState, 'seed' | 'batchSize' | 'samples'>,
): void {
  const words = { seed: 'seed', batchSize: 'train.batch_size', samples: 'number of training samples' } as const;
  for (const key of ['seed', 'batchSize', 'samples'] as const) {
    if (state[key] === now[key]) continue;
    throw new UsageError(
      `the run in ${dir} has the ${words[key]} ${state[key]}, not ${now[key]}`,
      'resume it as it began, or begin a new run with --weights',
    );
  }
}

/** What decides the numbers of a step; when files are written and models evaluated does not. */
const WATCHED = ['inputs', 'layers', 'losses', 'train'] as const;
const FREE = new Set(['train.checkpoint', 'train.evaluate', 'train.stop']);
const MAX_REPORTED = 5;

/** Where the model differs from the one that the checkpoint carries. */
export function changesSince(before: Fields | undefined, spec: Spec): readonly Diagnostic[] {
  if (!before) return [];
  const changes = WATCHED.flatMap((key) => [...differences(before[key], spec.resolved[key], [key])]);
  const shown = changes.slice(0, MAX_REPORTED).map(({ path, was, is }) => {
    return say.resumeChanged(spec.at(path), fieldOf(path), valueOf(was), valueOf(is));
  });
  const more = changes.length - MAX_REPORTED;
  return more > 0 ? [...shown, say.resumeChanged(spec.at([]), `${more} more fields`, 'as they were', 'others')] : shown;
}

interface Difference {
  readonly path: readonly (string | number)[];
  readonly was: Json | undefined;
  readonly is: Json | undefined;
}

function* differences(
  was: Json | undefined,
  is: Json | undefined,
  path: readonly (string | number)[],
): Generator<Difference> {
  if (FREE.has(path.join('.')) || JSON.stringify(was) === JSON.stringify(is)) return;
  if (Array.isArray(was) && Array.isArray(is) && was.length === is.length) {
    for (const [i, item] of (was as readonly Json[]).entries()) yield* differences(item, is[i] as Json, [...path, i]);
  } else if (isMapping(was) && isMapping(is)) {
    for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
      yield* differences(was[key], is[key], [...path, key]);
    }
  } else {
    yield { path, was, is };
  }
}

function isMapping(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldOf(path: readonly (string | number)[]): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('');
}

function valueOf(value: Json | undefined): string {
  if (value === undefined) return 'left out';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
