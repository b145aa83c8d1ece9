/**
 * The states of schedules that follow the evaluation, one for each phase or objective: each has schedules of its own.
 */
import type { Json, Spec, TrainSpec } from '../frontend/spec';
import { afterEvaluation, initialScheduleState, scheduleStateOf, type ScheduleState } from '../lower/learning_rate';
import type { OptimizerSetup } from '../lower/updates';
import { betterOf } from '../metrics/lookup';
import type { Figures } from './watch';

function setupsOf(train: TrainSpec): readonly OptimizerSetup[] {
  if (train.objectives.length > 0) return train.objectives;
  return train.phases.length > 0 ? train.phases : [train];
}

export function initialSchedules(train: TrainSpec): ScheduleState[] {
  return setupsOf(train).map(initialScheduleState);
}

/** After an evaluation in a phase: its schedules see it, or those of all objectives. */
export function afterSchedules(
  spec: Spec,
  train: TrainSpec,
  states: readonly ScheduleState[],
  phase: number,
  figures: Figures,
): ScheduleState[] {
  return setupsOf(train).map((setup, i) => {
    const state = states[i] ?? initialScheduleState(setup);
    return train.objectives.length > 0 || i === phase
      ? afterEvaluation(setup, state, figures, (figure) => betterOf(spec, figure))
      : state;
  });
}

/** What a checkpoint has of them, checked; a new schedule begins at its beginning. */
export function schedulesOf(train: TrainSpec, saved: Json | undefined): ScheduleState[] {
  const list: readonly Json[] = Array.isArray(saved) ? saved : [];
  return setupsOf(train).map((setup, i) => scheduleStateOf(setup, list[i]) ?? initialScheduleState(setup));
}
