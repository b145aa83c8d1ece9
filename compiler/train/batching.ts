/**
 * Which program a step runs, and how steps are cut into native calls. A step's number says its phase, the objectives at
 * work and its number of samples, and these say the program. A chunk is some consecutive steps of one program that end
 * before anything has to happen between steps (evaluation, checkpoint, end of an epoch). Where the cuts lie never
 * changes a result: a step depends on its number alone.
 */
import type { Interval, PhaseSpec } from '../frontend/spec';
import type { StepKind } from '../lower/stage';

/** Some consecutive steps of a run. */
export interface Span {
  /** 0-based number of the first step. */
  readonly first: number;
  readonly steps: number;
}

export interface Schedule {
  readonly samples: number;
  readonly batchSize: number;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  /** One after the other, without gaps; the whole run is one where the training has no phases. */
  readonly phases: readonly Span[];
  /** For each objective: it is at work in every so many-th step. `[1]` where there are none. */
  readonly periods: readonly number[];
}

export interface Chunk {
  /** 0-based number of the first step. */
  readonly first: number;
  readonly steps: number;
  /** Samples in each of its steps. */
  readonly batch: number;
  readonly kind: StepKind;
  readonly epoch: number;
  /** Position of its first sample in the epoch's order. */
  readonly position: number;
}

export interface Limits {
  readonly steps?: number | undefined;
  readonly epochs: number;
  /** In place of both. */
  readonly phases?: readonly Pick<PhaseSpec, 'epochs' | 'steps'>[];
  readonly periods?: readonly number[];
}

export function scheduleOf(samples: number, batchSize: number, limits: Limits): Schedule {
  const stepsPerEpoch = Math.ceil(samples / batchSize);
  const { phases = [], periods = [1] } = limits;
  const whole = { steps: limits.steps ?? limits.epochs * stepsPerEpoch };
  const lengths = (phases.length > 0 ? phases : [whole]).map(
    ({ steps, epochs = 0 }: Pick<PhaseSpec, 'epochs' | 'steps'>) => steps ?? epochs * stepsPerEpoch,
  );
  const spans = lengths.map((steps, i) => ({ first: lengths.slice(0, i).reduce((sum, n) => sum + n, 0), steps }));
  const totalSteps = lengths.reduce((sum, n) => sum + n, 0);
  return { samples, batchSize, stepsPerEpoch, totalSteps, phases: spans, periods };
}

/** The kind of step `step`, which counts from 0. */
export function kindAt({ phases, periods }: Schedule, step: number): StepKind {
  const phase = Math.max(
    0,
    phases.findLastIndex(({ first, steps }) => step >= first && steps > 0),
  );
  return { phase, objectives: periods.flatMap((period, i) => ((step + 1) % period === 0 ? [i] : [])) };
}

const sameKind = (a: StepKind, b: StepKind): boolean =>
  a.phase === b.phase &&
  a.objectives.length === b.objectives.length &&
  a.objectives.every((o, i) => o === b.objectives[i]);

/** A kind of step and its number of samples: what has a program of its own. */
export interface StepShape {
  readonly kind: StepKind;
  readonly batch: number;
}

export function batchAt({ samples, batchSize, stepsPerEpoch }: Schedule, step: number): number {
  return Math.min(batchSize, samples - (step % stepsPerEpoch) * batchSize);
}

/** All that occur in a run, in order of appearance. */
export function shapesIn(schedule: Schedule): StepShape[] {
  const found = new Map<string, StepShape>();
  // After so many steps of a phase everything repeats.
  const cycle = schedule.periods.reduce(leastCommonMultiple, schedule.stepsPerEpoch);
  for (const { first, steps } of schedule.phases) {
    for (let step = first; step < first + Math.min(steps, cycle); step++) {
      const shape = { kind: kindAt(schedule, step), batch: batchAt(schedule, step) };
      const key = `${shape.kind.phase} ${shape.kind.objectives.join()} ${shape.batch}`;
      if (!found.has(key)) found.set(key, shape);
    }
  }
  return [...found.values()];
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

/** Batch sizes that occur in one pass over `samples`: the full one and that of the last, partial batch. */
export function batchSizes(samples: number, batchSize: number): number[] {
  const sizes = samples >= batchSize ? [batchSize] : [];
  if (samples % batchSize !== 0) sizes.push(samples % batchSize);
  return sizes;
}

/** The chunk that begins at step `first`, at most `limit` steps long and not beyond any of the `stops` (step counts). */
export function chunkAt(
  schedule: Schedule,
  first: number,
  limit: number,
  stops: readonly (number | undefined)[],
): Chunk {
  const { stepsPerEpoch, batchSize, samples, totalSteps } = schedule;
  const epoch = Math.floor(first / stepsPerEpoch);
  const inEpoch = first - epoch * stepsPerEpoch;
  const position = inEpoch * batchSize;
  const batch = Math.min(batchSize, samples - position);
  const fullSteps = Math.floor((samples - position) / batchSize);
  let end = Math.min(totalSteps, first + (batch === batchSize ? Math.min(limit, fullSteps) : 1));
  for (const stop of stops) if (stop !== undefined && stop > first) end = Math.min(end, stop);
  const kind = kindAt(schedule, first);
  let steps = 1;
  while (first + steps < end && sameKind(kind, kindAt(schedule, first + steps))) steps++;
  return { first, steps: Math.min(steps, end - first), batch, kind, epoch, position };
}

/** The first step count after `step` at which something with this interval is due; undefined for minutes. */
export function nextDue(interval: Interval | undefined, step: number, stepsPerEpoch: number): number | undefined {
  if (!interval || interval.unit === 'minutes') return undefined;
  const period = Math.max(1, Math.round(interval.unit === 'epochs' ? interval.count * stepsPerEpoch : interval.count));
  return (Math.floor(step / period) + 1) * period;
}

/** Whether it is due exactly when `step` steps are done; `minutes` have passed since the last time. */
export function isDue(interval: Interval | undefined, step: number, stepsPerEpoch: number, minutes: number): boolean {
  if (interval?.unit === 'minutes') return minutes >= interval.count;
  return step > 0 && nextDue(interval, step - 1, stepsPerEpoch) === step;
}
