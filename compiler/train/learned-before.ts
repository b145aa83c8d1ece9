/**
 * Weights mean what the data they were trained on was encoded by. A run that goes on from some, its own or others, takes
 * over what they learned of that data rather than learning it anew from data that may have changed.
 */
import { SpecError } from '../diagnostics/errors';
import type { Learned } from '../data/learned';
import type { Spec } from '../frontend/spec';
import { listCheckpoints } from '../weights/checkpoints';
import { readLearned } from '../weights/files';
import { learnedOf } from '../weights/several';
import type { WeightsFrom } from '../weights/source';
import { weightsFor } from './weights-for';
import { newestRunFolder, openRunFolder } from './run-folder';

export interface GoingOn {
  readonly runRoot: string;
  readonly runDir?: string;
  readonly resume: boolean;
  readonly weights?: WeightsFrom;
  readonly allowOutside: boolean;
}

export async function learnedBefore(spec: Spec, options: GoingOn): Promise<Learned | undefined> {
  const { resume, runDir, runRoot, weights } = options;
  const folder = !resume
    ? undefined
    : runDir === undefined
      ? newestRunFolder(runRoot, spec.name)
      : openRunFolder(runDir);
  for (const { path } of folder ? listCheckpoints(folder.checkpoints).reverse() : []) {
    try {
      return await readLearned(path);
    } catch (error) {
      // A damaged checkpoint is passed over here as it is when the run goes on.
      if (!(error instanceof SpecError)) throw error;
    }
  }
  return learnedOf(weightsFor(spec, weights, options));
}
