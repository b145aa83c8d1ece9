/** Every data source, by the word in `type:`. A new one is one file in `sources/` and one line here. */
import type { SourceDef } from './define';
import { audioFolder } from './sources/audio_folder';
import { detection } from './sources/detection';
import { idx } from './sources/idx';
import { imageFolder } from './sources/image_folder';
import { npy } from './sources/npy';
import { segmentation } from './sources/segmentation';
import { synthetic } from './sources/synthetic';
import { table } from './sources/table';
import { text } from './sources/text';
import { textWindows } from './sources/text_windows';

export const SOURCES: Readonly<Record<string, SourceDef>> = {
  audio_folder: audioFolder,
  detection,
  idx,
  image_folder: imageFolder,
  npy,
  segmentation,
  synthetic,
  table,
  text,
  text_windows: textWindows,
};
