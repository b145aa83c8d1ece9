/** What a format is to `dlc import`: how its files are known, and how they become a draft. */
import type { Location } from '../../diagnostics/location';
import type { Draft } from '../draft';
import type { Known } from '../formats/onnx/tensor';

/** Where problems of files without lines are. */
export function startOf(file: string): Location {
  return { file, line: 1, column: 1, length: 1 };
}

export interface SourceFile {
  /** As the user gave it. */
  readonly path: string;
  /** The first bytes, up to 4096. */
  readonly head: Uint8Array;
  readonly size: number;
}

/** What the user says beside the files. */
export interface ImportSettings {
  /** Shapes of inputs that the files leave open, by name; the batch is a symbol. */
  readonly inputs?: ReadonlyMap<string, readonly (number | string)[]>;
  /** Numbers that inputs always have, by name: they become part of the model. */
  readonly bind?: ReadonlyMap<string, Known>;
  /** Models inside of the model are written in their place, instead of into files of their own. */
  readonly inPlace?: boolean;
}

export interface Importer {
  /** The word for `--from`. */
  readonly format: string;
  /** One sentence for `--help`. */
  readonly summary: string;
  /** Whether the file is of this format, by its first bytes and, where those don't tell, its name. Never throws. */
  recognizes(file: SourceFile): boolean;
  /**
   * Reads the files, all of one format: a model with its weights, solver and so on. Throws a SpecError with every
   * problem located where the format has lines, else at line 1 with the name of the offending thing in the message.
   * Nothing is allocated that the sizes of the files do not back.
   */
  read(files: readonly SourceFile[], settings?: ImportSettings): Promise<Draft>;
}
