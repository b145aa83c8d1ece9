/**
 * Everything that can be said about a model file without data and without running it: what the frontend finds, what
 * lowering finds (shapes, dtypes), budgets, lints. `dlc validate` is a loop over this.
 */
import type { Diagnostic } from './diagnostics/diagnostic';
import { checkSpec, type Checked, type LoadOptions } from './frontend/load';
import type { Spec } from './frontend/spec';
import { checkAsserts } from './lower/asserts';
import { checkBudgets, checkMemory } from './lower/budgets';
import { checkModel } from './lower/lower';
import { summarize } from './lower/summary';
import { plannedMemory } from './train/memory';

/** Where a model states no batch size of its own. */
export const DEFAULT_BATCH = 1;

export function checkFile(file: string, options: LoadOptions = {}): readonly Diagnostic[] {
  return checkLoaded(checkSpec(file, { blockFiles: true, ...options }));
}

/** What the frontend found, and what lowering finds where there is something to lower. */
export function checkLoaded({ spec, diagnostics }: Checked): readonly Diagnostic[] {
  return spec ? [...diagnostics, ...checkLowered(spec)] : diagnostics;
}

/** What is found beyond the frontend: `dlc train` begins with it too. */
export function checkLowered(spec: Spec): readonly Diagnostic[] {
  const found = checkModel(spec, batchOf(spec));
  if (found.some((d) => d.severity === 'error')) return found;
  let planned: number | undefined;
  const peak = (): number => (planned ??= peakMemory(spec));
  const budgets = spec.budgets ? checkBudgets(spec, summarize(spec, batchOf(spec)), peak) : [];
  return [...found, ...checkMemory(spec, peak), ...budgets, ...checkAsserts(spec, batchOf(spec), peak)];
}

export function batchOf(spec: Spec): number {
  return spec.train?.batchSize ?? DEFAULT_BATCH;
}

/** Planned bytes of the largest training step where the model is trained, else of predict. */
function peakMemory(spec: Spec): number {
  return plannedMemory(spec, spec.train ? 'train' : 'predict', batchOf(spec));
}
