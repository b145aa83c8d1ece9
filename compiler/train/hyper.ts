/**
 * The scalar inputs of training steps: learning rate and scheduled fields, the optimizer's own scalars, and the counter
 * that random ops draw from. All are functions of the step number and of the state of schedules that follow the
 * evaluation, so resuming needs nothing but these.
 */
import { stepInputs, type ScheduleState } from '../lower/learning_rate';
import type { OptimizerSetup } from '../lower/updates';
import type { TensorData } from '../native/runtime';
import type { Chunk, Schedule } from './batching';

/** Inputs `rng`, `lr` and the others of the optimizer for every step of a chunk. Training steps count from 1. */
export function hyperInputs(
  setup: OptimizerSetup,
  { stepsPerEpoch, totalSteps }: Schedule,
  chunk: Chunk,
  seed: number,
  state?: ScheduleState,
): Record<string, TensorData> & { readonly lr: Float32Array } {
  const rng = new BigInt64Array(2 * chunk.steps);
  const lr = new Float32Array(chunk.steps);
  const scalars: Record<string, Float32Array> = { lr };
  for (let i = 0; i < chunk.steps; i++) {
    const step = chunk.first + i + 1;
    rng[2 * i] = BigInt(seed);
    rng[2 * i + 1] = BigInt(step);
    for (const [name, value] of Object.entries(stepInputs(setup, { step, stepsPerEpoch, totalSteps, state }))) {
      (scalars[name] ??= new Float32Array(chunk.steps))[i] = value;
    }
  }
  return { ...scalars, rng, lr };
}
