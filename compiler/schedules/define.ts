/**
 * A schedule: a factor on a field of the optimizer, usually the learning rate, as a pure function of the step. Warm-up
 * is common to all and applied by the caller. One that follows the evaluation keeps a state, which is plain JSON, goes
 * into checkpoints and changes by `afterEvaluation` alone.
 */
import type { Described } from '../frontend/describe';
import type { Fields, Json } from '../frontend/spec';

export interface ScheduleContext {
  readonly fields: Fields;
  /** 0 for the first step, counted from the end of the warm-up. */
  readonly step: number;
  /** Length of the warm-up before. */
  readonly warmup: number;
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  /** Of a schedule that has one: `initialState`, or what `afterEvaluation` made of it. */
  readonly state?: Json | undefined;
}

/** What an evaluation found: `loss`, losses and metrics by name. */
export type Figures = Readonly<Record<string, number>>;

/** Which way a figure is better. */
export type Better = (figure: string) => 'higher' | 'lower';

/** Where the schedule changes its course: of no effect where the training ends before. */
export interface Point {
  /** Of the field, within the section. */
  readonly path: readonly (string | number)[];
  /** As in "the first drop comes". */
  readonly what: string;
  /** Intervals that add up to it, from the end of the warm-up on. */
  readonly at: readonly Json[];
  /** From the start of the training on. */
  readonly isFromStart?: boolean;
  /** The interval that it has to come in, where that is not the whole training. */
  readonly within?: Json;
}

export interface ScheduleDef extends Described {
  /** The factor on the field that is scheduled. */
  factor(context: ScheduleContext): number;
  /** Whether it drives the optimizer's momentum too, and the value that gives it: no factor; undefined: its own. */
  readonly cyclesMomentum?: (fields: Fields) => boolean;
  readonly momentum?: (context: ScheduleContext) => number | undefined;
  /** A field that makes no sense beside the others, and why: `path` within the section. */
  readonly problem?: (fields: Fields) =>
    | {
        readonly path: readonly (string | number)[];
        readonly why: string;
        /** Of the text at `path`. */
        readonly part?: { readonly offset: number; readonly length: number };
      }
    | undefined;
  /** Those that are given as intervals. */
  readonly points?: (fields: Fields) => readonly Point[];
  readonly initialState?: () => Json;
  readonly isState?: (state: Json) => boolean;
  readonly afterEvaluation?: (fields: Fields, state: Json, figures: Figures, better: Better) => Json;
}

export function defineSchedule(def: ScheduleDef): ScheduleDef {
  return def;
}
