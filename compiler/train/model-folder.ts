/**
 * Where the paths of a model start: in the folder of its file. The model that a weight file carries has none of its own;
 * the `run.json` of its run says where it was, seen from the run folder, so that it is found when both move together.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Spec } from '../frontend/spec';
import { INFO } from './run-folder';

export function modelFolder(spec: Spec): string {
  return spec.folder ?? path.dirname(path.resolve(spec.file));
}

/** What `run.json` says of the model's folder. */
export function folderRecord(spec: Spec, runDir: string): string {
  return path.relative(runDir, modelFolder(spec)) || '.';
}

/** The folder of the model that a weight file or checkpoint of a run carries; undefined where there is no run beside it. */
export function recordedFolder(weights: string): string | undefined {
  const folder = path.dirname(path.resolve(weights));
  const runDir = path.basename(folder) === 'checkpoints' ? path.dirname(folder) : folder;
  try {
    const info = JSON.parse(readFileSync(path.join(runDir, INFO), 'utf8')) as { readonly model_folder?: unknown };
    return typeof info.model_folder === 'string' ? path.resolve(runDir, info.model_folder) : undefined;
  } catch {
    // The file was taken out of its run: paths start where it lies.
    return undefined;
  }
}
