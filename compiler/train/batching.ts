/**
 * How the steps of a run are cut into native calls. A chunk is some consecutive steps of one batch size that end
 * before anything has to happen between steps (evaluation, checkpoint, end of an epoch). Where the cuts lie never
 * changes a result: a step depends on its number alone.
 */
import type { Interval } from '../frontend/spec';

export interface Schedule {
  readonly samples: number;
  readonly batchSize: number;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
}

export interface Chunk {
  /** 0-based number of the first step. */
  readonly first: number;
  readonly steps: number;
  /** Samples in each of its steps. */
  readonly batch: number;
  readonly epoch: number;
  /** Position of its first sample in the epoch's order. */
  readonly position: number;
}

export function scheduleOf(
  samples: number,
  batchSize: number,
  limits: { steps?: number | undefined; epochs: number },
): Schedule {
  const stepsPerEpoch = Math.ceil(samples / batchSize);
  return { samples, batchSize, stepsPerEpoch, totalSteps: limits.steps ?? limits.epochs * stepsPerEpoch };
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
  let end = first + (batch === batchSize ? Math.min(limit, fullSteps) : 1);
  for (const stop of stops) if (stop !== undefined && stop > first) end = Math.min(end, stop);
  return { first, steps: Math.min(end, totalSteps) - first, batch, epoch, position };
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
