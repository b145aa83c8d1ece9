/**
 * The scalar inputs of training steps: learning rates and other fields of the optimizers at work, by their schedules and
 * clocks, the shares of averages, and the counter that random ops draw from. All are functions of the step number and of
 * the state of schedules that follow the evaluation, so resuming needs nothing but these.
 */
import type { AverageSpec, Interval, LookaheadSpec, TrainSpec } from '../frontend/spec';
import { AVERAGE_INPUTS, LOOKAHEAD_INPUTS } from '../lower/averaging';
import { stepInputs, type Clock, type ScheduleState } from '../lower/learning_rate';
import type { OptimizerUse } from '../lower/uses';
import type { TensorData } from '../native/runtime';
import type { Chunk, Schedule, Span } from './batching';

/** The scalars of every step of a chunk, and `rng`. Training steps count from 1. */
export function hyperInputs(
  { average, lookahead }: Pick<TrainSpec, 'average' | 'lookahead'>,
  uses: readonly OptimizerUse[],
  schedule: Schedule,
  chunk: Chunk,
  seed: number,
  /** By the owner of a use; none where no schedule follows the evaluation. */
  states: readonly ScheduleState[] = [],
): Record<string, TensorData> & { readonly lr: Float32Array } {
  const rng = new BigInt64Array(2 * chunk.steps);
  const lr = new Float32Array(chunk.steps);
  const scalars: Record<string, Float32Array> = { lr };
  for (let i = 0; i < chunk.steps; i++) {
    const step = chunk.first + i + 1;
    rng[2 * i] = BigInt(seed);
    rng[2 * i + 1] = BigInt(step);
    const phase = schedule.phases[chunk.kind.phase] ?? { first: 0, steps: schedule.totalSteps };
    const now = Object.assign(
      {},
      ...uses.map((use) => stepInputs(use.setup, clockOf(use, schedule, phase, step, states), use.prefix)),
      average ? averageShares(average, step, schedule.stepsPerEpoch) : {},
      lookahead ? lookaheadFlags(lookahead, step - phase.first) : {},
    ) as Record<string, number>;
    for (const [name, value] of Object.entries(now)) (scalars[name] ??= new Float32Array(chunk.steps))[i] = value;
  }
  return { ...scalars, rng, lr };
}

function clockOf(
  { earlier, every, owner }: OptimizerUse,
  { stepsPerEpoch, phases }: Schedule,
  phase: Span,
  step: number,
  states: readonly ScheduleState[],
): Clock {
  const inPhase = step - phase.first;
  const before = earlier.reduce((sum, i) => sum + (phases[i]?.steps ?? 0), 0);
  const updates = before + Math.floor(inPhase / every);
  return { step: inPhase, totalSteps: phase.steps, stepsPerEpoch, updates, state: states[owner] };
}

/** The shares that a step gives to the average before and to the weights. */
export function averageShares(spec: AverageSpec, step: number, stepsPerEpoch: number): Record<string, number> {
  const { decay, warmup } = spec;
  const since = step - lengthOf(spec.start, stepsPerEpoch);
  const every = Math.max(1, lengthOf(spec.every, stepsPerEpoch));
  // So many times weights have entered, this step included.
  const times = Math.floor(since / every);
  let keep = 1;
  if (times < 1) keep = 0;
  else if (since % every === 0) {
    const n = times - 1;
    if (decay === undefined || n === 0) keep = n / times;
    else keep = warmup ? Math.min(decay, (1 + n) / (10 + n)) : decay;
  }
  return { [AVERAGE_INPUTS.keep]: keep, [AVERAGE_INPUTS.fresh]: 1 - keep };
}

function lengthOf({ count, unit }: Interval, stepsPerEpoch: number): number {
  return Math.round(unit === 'epochs' ? count * stepsPerEpoch : count);
}

function lookaheadFlags({ steps }: LookaheadSpec, inPhase: number): Record<string, number> {
  return { [LOOKAHEAD_INPUTS.begin]: inPhase === 1 ? 1 : 0, [LOOKAHEAD_INPUTS.sync]: inPhase % steps === 0 ? 1 : 0 };
}
