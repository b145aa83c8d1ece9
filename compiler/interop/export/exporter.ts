/** What a format is to `dlc export`: how a model, with weights where the format has them, becomes files. */
import type { Spec } from '../../frontend/spec';
import type { WeightsFrom } from '../../weights/source';

export interface ExportRequest {
  readonly spec: Spec;
  /** The weight file; absent where the user gave none. An exporter that needs one throws a UsageError. */
  readonly weights?: WeightsFrom;
  /** The file to write; others may stand beside it. */
  readonly out: string;
  /** `--option name=value` of the format, checked against `options`. */
  readonly options: Readonly<Record<string, string>>;
  /** Batch size where the format fixes it. */
  readonly batch?: number;
  /** Of a picture: how many levels of blocks are drawn open; absent: all. */
  readonly levels?: number;
}

export interface Exported {
  /** The files that were written, the main one first. */
  readonly files: readonly string[];
  /** What the format could not take over as it is, a sentence each. */
  readonly remarks: readonly string[];
}

export interface Exporter {
  /** The word for `--format`. */
  readonly format: string;
  /** One sentence for `--help`. */
  readonly summary: string;
  /** Settings of the format's own, by name, each with a sentence. */
  readonly options?: Readonly<Record<string, string>>;
  /** It draws the model: `--collapse` is for it. */
  readonly picture?: boolean;
  /**
   * Writes whole files or none (`weights/atomic.ts`). Throws a SpecError located in the model file for what the format
   * cannot say.
   */
  run(request: ExportRequest): Promise<Exported>;
}
