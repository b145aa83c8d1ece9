/**
 * What a weight file holds, whatever its format: the tensors of the model by name, with optimizer state and progress
 * for a checkpoint, and the spec they belong to. One file is enough to predict.
 */
import type { TypedArray } from '../data/define';
import type { Learned } from '../data/learned';
import type { Fields, Json } from '../frontend/spec';
import type { DType, Shape } from '../ir/types';
import type { AccountLine } from './matching';

export interface WeightTensor {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: TypedArray;
}

export type Tensors = ReadonlyMap<string, WeightTensor>;

export interface WeightContent {
  /** Parameters and buffers: `<layer>.<param>`. */
  readonly tensors: Tensors;
  /** Slots of the optimizer: `<layer>.<param>.<slot>`. */
  readonly optimizer?: Tensors;
  /** Where the training stands: step, epoch, seed, accumulators. Only in checkpoints. */
  readonly state?: Json;
  /** The resolved spec. */
  readonly spec?: Fields;
  /** What was learned of the training data: vocabularies, class names, means. */
  readonly learned?: Learned;
}

/** What a file was found to hold. */
export interface LoadedWeights extends WeightContent {
  readonly optimizer: Tensors;
  readonly specSha256?: string;
  readonly dlcVersion?: string;
  /** What became of each tensor of a file that is not ours. */
  readonly account?: readonly AccountLine[];
}
