/** What a checkpoint holds beside tensors: where the run stands. */
import { weightsCorrupt } from '../diagnostics/catalogue';
import { SpecError } from '../diagnostics/errors';
import type { Fields, Json, TrainSpec } from '../frontend/spec';
import type { ScheduleState } from '../lower/learning_rate';
import { schedulesOf } from './schedules';
import { bestStateOf, stopStateOf, type BestState, type StopState } from './watch';

export interface TrainState {
  /** Finished steps. */
  readonly step: number;
  readonly epoch: number;
  readonly seed: number;
  readonly batchSize: number;
  readonly samples: number;
  /** Sums of the running epoch. */
  readonly accumulators: Readonly<Record<string, readonly number[]>>;
  /** Of schedules that follow the evaluation, by phase or objective. */
  readonly schedules: readonly ScheduleState[];
  readonly stop?: StopState | undefined;
  readonly best?: BestState | undefined;
}

const isCount = (value: Json | undefined): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const isNumbers = (value: Json): boolean => Array.isArray(value) && value.every((item) => typeof item === 'number');

/** The state as a checkpoint file has it, checked: the file may be anybody's. */
export function trainStateOf(file: string, state: Json | undefined, train: TrainSpec): TrainState {
  if (typeof state === 'object' && state !== null && !Array.isArray(state)) {
    const { step, epoch, seed, batchSize, samples, accumulators, schedules, stop, best } = state as Fields;
    const sums =
      typeof accumulators === 'object' && accumulators !== null && Object.values(accumulators).every(isNumbers);
    if (isCount(step) && isCount(epoch) && isCount(seed) && isCount(batchSize) && isCount(samples) && sums) {
      return {
        ...{ step, epoch, seed, batchSize, samples },
        accumulators: accumulators as unknown as TrainState['accumulators'],
        schedules: schedulesOf(train, schedules),
        stop: stopStateOf(stop),
        best: bestStateOf(best),
      };
    }
  }
  const at = { file, line: 1, column: 1, length: 1 };
  throw new SpecError([weightsCorrupt(at, file, 'is no checkpoint: it does not say where the training stood')]);
}
