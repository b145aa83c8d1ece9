/**
 * A data source is what a user names by `type:` under `data:`. It opens to a Dataset: a number of samples that can be
 * read in any order into the buffers of a batch. A source knows nothing about batches, order or epochs (`sampler.ts`)
 * and nothing about training (`compiler/train/`).
 */
import type { Described } from '../frontend/describe';
import type { InputSpec, Mode, SectionSpec } from '../frontend/spec';
import type { DType, Shape } from '../ir/types';
import type { Learned } from './learned';

/** Memory of one tensor, in the dtype's own element type (`typed_array.ts`). */
export type TypedArray = Float32Array | Float64Array | Uint16Array | Uint8Array | Int32Array | BigInt64Array;

export interface OpenContext {
  /** Relative paths start here: the model file's folder. */
  readonly modelDir: string;
  /** The model inputs that want data in this mode. Every one of them must be served. */
  readonly inputs: readonly InputSpec[];
  /** Names of the model's other inputs: a section may serve them, nothing reads them. */
  readonly unread?: readonly string[];
  readonly mode: Mode;
  /** What was learned of the training data; absent where this is the training data itself. */
  readonly learned?: Learned | undefined;
  /** The user's cache directory; `userCacheDir()` where the caller has no opinion. May be deleted at any time. */
  readonly cacheDir: string;
  /** Lets paths of the model file leave the model's folder; paths from the command line always may. */
  readonly allowOutside: boolean;
  /** Told of work that takes long (unpacking, decoding), for a progress line. */
  readonly onProgress?: (progress: { readonly what: string; readonly done: number; readonly total: number }) => void;
}

/** One served input; `shape` is that of a single sample, without the batch axis. */
export interface DatasetField {
  readonly input: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** What random augmentation depends on, beside the sample's index. */
export interface ReadContext {
  readonly seed: number;
  readonly epoch: number;
}

export interface Dataset {
  /** Samples. */
  readonly size: number;
  readonly fields: readonly DatasetField[];
  /** Names of the classes that labels count, where the data has them. */
  readonly classes?: readonly string[] | undefined;
  /** The class of each sample, where it has one: parts and chances may go by it. */
  readonly groups?: ArrayLike<number> | undefined;
  /**
   * Learns from the given samples how to encode them all; called once before anything is read. Absent where nothing is
   * to be learned, or everything is known from `OpenContext.learned`.
   */
  readonly learn?: (samples: Uint32Array) => void | Promise<void>;
  /** What `learn` learns, in words: "the vocabulary". */
  readonly learns?: string;
  /** What samples are encoded by, for each input that was learned of; complete after `learn`. */
  readonly learned?: Learned | undefined;
  /** The samples of a training epoch in order, where that is something else than each of them once. */
  readonly order?: (seed: number, epoch: number) => Uint32Array;
  /** Whether a training epoch visits the samples in a new random order. */
  readonly shuffle: boolean;
  /** Fills row i of every buffer with sample `indices[i]`. Buffers may be longer than needed. */
  read(
    indices: ArrayLike<number>,
    context: ReadContext,
    into: Readonly<Record<string, TypedArray>>,
  ): void | Promise<void>;
  close(): void;
}

export interface SourceDef extends Described {
  /** Throws a SpecError that holds every problem of the section: files, formats, shapes against the model's inputs. */
  open(section: SectionSpec, context: OpenContext): Promise<Dataset>;
}

export function defineSource(def: SourceDef): SourceDef {
  return def;
}
