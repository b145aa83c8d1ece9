/**
 * The scalar inputs of training steps: learning rate, the optimizer's own scalars, and the counter that random ops
 * draw from. All are pure functions of the step number, so resuming needs nothing but that number.
 */
import type { TrainSpec } from '../frontend/spec';
import { learningRate, optimizerScalars } from '../lower/learning_rate';
import type { TensorData } from '../native/runtime';
import type { Chunk, Schedule } from './batching';

/** Inputs `rng`, `lr` and the optimizer's scalars for every step of a chunk. Training steps count from 1. */
export function hyperInputs(
  train: TrainSpec,
  schedule: Schedule,
  chunk: Chunk,
  seed: number,
): Record<string, TensorData> & { readonly lr: Float32Array } {
  const rng = new BigInt64Array(2 * chunk.steps);
  const lr = new Float32Array(chunk.steps);
  const scalars: Record<string, Float32Array> = {};
  for (let i = 0; i < chunk.steps; i++) {
    const step = chunk.first + i + 1;
    rng[2 * i] = BigInt(seed);
    rng[2 * i + 1] = BigInt(step);
    lr[i] = learningRate(train, step, schedule.stepsPerEpoch, schedule.totalSteps);
    for (const [name, value] of Object.entries(optimizerScalars(train, step))) {
      (scalars[name] ??= new Float32Array(chunk.steps))[i] = value;
    }
  }
  return { rng, lr, ...scalars };
}
