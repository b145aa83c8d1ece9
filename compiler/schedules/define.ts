/** A learning-rate schedule: a pure function of the step. Warm-up is common to all and applied by the caller. */
import type { Described } from '../frontend/describe';
import type { Fields } from '../frontend/spec';

export interface ScheduleContext {
  readonly fields: Fields;
  /** 0 for the first step, counted from the end of the warm-up. */
  readonly step: number;
  /** Length of the warm-up before. */
  readonly warmup: number;
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
}

export interface ScheduleDef extends Described {
  /** The factor on the optimizer's `lr`. */
  factor(context: ScheduleContext): number;
}

export function defineSchedule(def: ScheduleDef): ScheduleDef {
  return def;
}
