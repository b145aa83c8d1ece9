/** Every data source, by the word in `type:`. A new one is one file in `sources/` and one line here. */
import type { SourceDef } from './define';
import { idx } from './sources/idx';
import { imageFolder } from './sources/image_folder';
import { npy } from './sources/npy';
import { synthetic } from './sources/synthetic';

export const SOURCES: Readonly<Record<string, SourceDef>> = {
  idx,
  image_folder: imageFolder,
  npy,
  synthetic,
};
