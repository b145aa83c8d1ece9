/** Where weights are taken from, as a command or a model says it: a file and how it is read. */
import type { AccountLine, WeightMap } from './matching';

export interface WeightSource {
  readonly file: string;
  /** Renames what the file holds, whatever wrote it. */
  readonly map?: WeightMap;
  /** The model's own map: for files that dlc did not write, where `map` is not given. */
  readonly foreignMap?: WeightMap;
  /** Lets what does not fit be, on both sides. */
  readonly partial?: boolean;
  /** Hears what became of each tensor. */
  readonly onLoaded?: (account: readonly AccountLine[]) => void;
}

/** A file alone is read as it is. */
export type WeightsFrom = string | WeightSource;

export const sourceOf = (from: WeightsFrom): WeightSource => (typeof from === 'string' ? { file: from } : from);
