/** Where weights are taken from, as a command or a model says it: a file or several, and how each is read. */
import type { Location } from '../diagnostics/location';
import type { AccountLine, WeightMap } from './matching';

export interface WeightSource {
  readonly file: string;
  /** Where it was named; the file itself by default. */
  readonly at?: Location;
  /** What the names of the states begin with that it fills; the file may then be of more than them. */
  readonly into?: string;
  /** Renames what the file holds, whatever wrote it. */
  readonly map?: WeightMap;
  /** The model's own map: for files that dlc did not write, where `map` is not given. */
  readonly foreignMap?: WeightMap;
  /** Lets what does not fit be, on both sides. */
  readonly partial?: boolean;
  /** What it learned of its training data (vocabularies, class names) is not taken over. */
  readonly tensorsOnly?: boolean;
  /** Hears what became of each tensor. */
  readonly onLoaded?: (account: readonly AccountLine[]) => void;
}

/** A file alone is read as it is. Of several, later ones win. */
export type WeightsFrom = string | WeightSource | readonly WeightSource[];

export const sourceOf = (from: string | WeightSource): WeightSource =>
  typeof from === 'string' ? { file: from } : from;

const isList = (from: WeightsFrom): from is readonly WeightSource[] => Array.isArray(from);

export const sourcesOf = (from: WeightsFrom | undefined): readonly WeightSource[] =>
  from === undefined ? [] : isList(from) ? from : [sourceOf(from)];
