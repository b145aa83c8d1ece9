/**
 * The checkpoints of a run: `step-<number>.h5` in one folder, the newest few kept. A checkpoint counts when all of it
 * can be read and its checksums agree; one that doesn't is passed over for the one before.
 */
import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { SpecError } from '../diagnostics/errors';
import type { Diagnostic } from '../diagnostics/diagnostic';
import type { LoadedWeights, WeightContent } from './content';
import { loadWeights, saveWeights, type LoadOptions } from './files';

const NAME = /^step-(\d+)\.h5$/;

export interface CheckpointFile {
  readonly step: number;
  readonly path: string;
}

/** Oldest first. */
export function listCheckpoints(folder: string): CheckpointFile[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => {
      const step = NAME.exec(name)?.[1];
      return step === undefined ? [] : [{ step: Number(step), path: path.join(folder, name) }];
    })
    .sort((a, b) => a.step - b.step);
}

/** Saves the state after `step` steps, then removes all but the newest `keep`. Returns the file's path. */
export async function saveCheckpoint(
  folder: string,
  step: number,
  content: WeightContent,
  options: { readonly keep: number },
): Promise<string> {
  const file = path.join(folder, `step-${String(step).padStart(8, '0')}.h5`);
  await saveWeights(file, content);
  const older = listCheckpoints(folder).filter((checkpoint) => checkpoint.path !== file);
  const surplus = older.slice(0, Math.max(0, older.length - (Math.max(1, options.keep) - 1)));
  await Promise.all(surplus.map((checkpoint) => rm(checkpoint.path, { force: true })));
  return file;
}

export interface FoundCheckpoint extends CheckpointFile {
  readonly content: LoadedWeights;
}

export interface CheckpointSearch {
  readonly found: FoundCheckpoint | undefined;
  /** What is wrong with newer ones, as warnings. */
  readonly warnings: readonly Diagnostic[];
}

/** Whether a problem is damage, which an older checkpoint may not have, or a model that no longer fits any of them. */
const isDamage = ({ code }: Diagnostic): boolean => code === 'weights-corrupt' || code === 'weights-missing';

export async function newestGoodCheckpoint(
  folder: string,
  options: Omit<LoadOptions, 'checkpoint'> = {},
): Promise<CheckpointSearch> {
  const warnings: Diagnostic[] = [];
  for (const checkpoint of listCheckpoints(folder).reverse()) {
    try {
      const content = await loadWeights(checkpoint.path, { ...options, checkpoint: true });
      return { found: { ...checkpoint, content }, warnings };
    } catch (error) {
      if (!(error instanceof SpecError) || !error.diagnostics.every(isDamage)) throw error;
      warnings.push(...error.diagnostics.map((diagnostic) => ({ ...diagnostic, severity: 'warning' as const })));
    }
  }
  return { found: undefined, warnings };
}
