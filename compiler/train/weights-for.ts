/**
 * The weights that a command works with, the same for every one of them: those that it was given, or those that the
 * model names itself under `weights:`. What is given to be fitted as far as it goes (`partial`) goes over the model's own.
 */
import { resolveDataPath } from '../data/paths';
import type { Spec } from '../frontend/spec';
import type { AccountLine } from '../weights/matching';
import { sourcesOf, type WeightsFrom, type WeightSource } from '../weights/source';
import { modelFolder } from './model-folder';

export interface WeightsOptions {
  /** Lets the paths of the model leave its folder. */
  readonly allowOutside: boolean;
  /** Hears what became of each tensor of a file of the model's own. */
  readonly onLoaded?: ((file: string, account: readonly AccountLine[]) => void) | undefined;
}

/** Undefined where nothing was given and the model names none. */
export function weightsFor(
  spec: Spec,
  given: WeightsFrom | undefined,
  options: WeightsOptions,
): readonly WeightSource[] | undefined {
  const sources = sourcesOf(given);
  const whole = sources.length > 0 && !sources.every(({ partial }) => partial);
  const all = whole ? sources : [...ownWeights(spec, options), ...sources];
  return all.length === 0 ? undefined : all;
}

function ownWeights(spec: Spec, { allowOutside, onLoaded }: WeightsOptions): WeightSource[] {
  const modelDir = modelFolder(spec);
  return spec.weights.map(({ file, into, map, partial = false, at }) => ({
    file: resolveDataPath({ at }, ['file'], file, { modelDir, allowOutside }),
    at: at(['file']),
    into,
    partial,
    // Of a part of the model, or of a model that had another head: its classes are not those of this one.
    tensorsOnly: into !== '' || partial,
    ...(map === undefined ? {} : { map }),
    ...(onLoaded === undefined ? {} : { onLoaded: (account: readonly AccountLine[]): void => onLoaded(file, account) }),
  }));
}
