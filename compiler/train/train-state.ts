/** What a checkpoint holds beside tensors: where the run stands. */
import { weightsCorrupt } from '../diagnostics/catalogue';
import { SpecError } from '../diagnostics/errors';
import type { Json } from '../frontend/spec';

export interface TrainState {
  /** Finished steps. */
  readonly step: number;
  readonly epoch: number;
  readonly seed: number;
  readonly batchSize: number;
  readonly samples: number;
  /** Sums of the running epoch. */
  readonly accumulators: Readonly<Record<string, readonly number[]>>;
}

const isCount = (value: Json | undefined): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const isNumbers = (value: Json): boolean => Array.isArray(value) && value.every((item) => typeof item === 'number');

/** The state as a checkpoint file has it, checked: the file may be anybody's. */
export function trainStateOf(file: string, state: Json | undefined): TrainState {
  if (typeof state === 'object' && state !== null && !Array.isArray(state)) {
    const { step, epoch, seed, batchSize, samples, accumulators } = state as { readonly [key: string]: Json };
    const sums =
      typeof accumulators === 'object' && accumulators !== null && Object.values(accumulators).every(isNumbers);
    if ([step, epoch, seed, batchSize, samples].every(isCount) && sums) return state as unknown as TrainState;
  }
  const at = { file, line: 1, column: 1, length: 1 };
  throw new SpecError([weightsCorrupt(at, file, 'is no checkpoint: it does not say where the training stood')]);
}
