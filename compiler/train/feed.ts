/**
 * Feeds a data set to a program: reads the samples of a chunk of steps, in the sampler's order, into the typed arrays
 * that a native call takes.
 */
import type { Dataset, TypedArray } from '../data/define';
import type { Learned } from '../data/learned';
import { openData } from '../data/open';
import { orderOf } from '../data/sampler';
import { typedArray } from '../data/typed_array';
import { userCacheDir } from '../data/cache';
import { InternalError } from '../diagnostics/errors';
import type { Mode, Spec } from '../frontend/spec';
import { elementCount } from '../ir/types';
import { modelFolder } from './model-folder';

export type Arrays = Readonly<Record<string, TypedArray>>;

export interface FeedOptions {
  readonly allowOutside: boolean;
  readonly seed: number;
  /** What was learned of the training data; absent where it is to be learned. */
  readonly learned?: Learned | undefined;
  readonly onProgress?: (progress: { readonly what: string; readonly done: number; readonly total: number }) => void;
}

/** Opens the data section of a mode for the model inputs a program of that mode takes. */
export async function openFeed(spec: Spec, mode: Mode, inputs: readonly string[], options: FeedOptions): Promise<Feed> {
  const section = spec.data[mode];
  if (!section) throw new InternalError(`no data section for ${mode}`);
  const dataset = await openData(section, {
    modelDir: modelFolder(spec),
    inputs: spec.inputs.filter((input) => inputs.includes(input.name)),
    unread: spec.inputs.map((input) => input.name).filter((name) => !inputs.includes(name)),
    mode,
    cacheDir: userCacheDir(),
    allowOutside: options.allowOutside,
    ...(options.learned ? { learned: options.learned } : {}),
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
  });
  return new Feed(dataset, options.seed);
}

export class Feed {
  #order: { readonly epoch: number; readonly indices: Uint32Array } | undefined;

  constructor(
    readonly dataset: Dataset,
    readonly seed: number,
  ) {}

  get samples(): number {
    return this.dataset.size;
  }

  /** Bytes of one sample over all fields. */
  get sampleBytes(): number {
    return this.dataset.fields.reduce((sum, f) => sum + typedArray(f.dtype, elementCount(f.shape)).byteLength, 0);
  }

  /** `count` samples from `position` of an epoch's order. Evaluation passes `shuffled` false. */
  async read(epoch: number, position: number, count: number, shuffled: boolean): Promise<Arrays> {
    const indices = this.#indices(shuffled ? epoch : -1).subarray(position, position + count);
    const into = Object.fromEntries(
      this.dataset.fields.map((f) => [f.input, typedArray(f.dtype, count * elementCount(f.shape))]),
    );
    await this.dataset.read(indices, { seed: this.seed, epoch }, into);
    return into;
  }

  close(): void {
    this.dataset.close();
  }

  #indices(epoch: number): Uint32Array {
    if (this.#order?.epoch !== epoch) {
      const { dataset, seed } = this;
      const shuffle = epoch >= 0 && dataset.shuffle;
      const drawn = epoch >= 0 ? dataset.order?.(seed, epoch) : undefined;
      this.#order = { epoch, indices: drawn ?? orderOf(dataset.size, { seed, epoch, shuffle }) };
    }
    return this.#order.indices;
  }
}
