/**
 * What a learning-rate range test says: the curve of the smoothed loss over the rate, and the rates that it suggests.
 * The smoothing and the rules for `valley`, `steep` and `minimum` are those that fastai made customary.
 */

/** One step of the test. */
export interface RangePoint {
  readonly step: number;
  readonly lr: number;
  readonly loss: number;
  /** Exponential average of the losses so far, freed of its bias towards the first. */
  readonly smoothed: number;
}

export interface Suggestions {
  /** In the middle third of the longest fall of the loss: a safe choice. */
  readonly valley: number;
  /** Where the loss falls most steeply over the logarithm of the rate. */
  readonly steep: number;
  /** A tenth of the rate at which the loss is least. */
  readonly minimum: number;
}

const BETA = 0.98;

/** The exponential average of a loss step by step, and when it says that training has come apart. */
export class Smoothed {
  #average = 0;
  #count = 0;
  #best = Infinity;

  see(loss: number): number {
    this.#count++;
    this.#average = BETA * this.#average + (1 - BETA) * loss;
    const value = this.#average / (1 - BETA ** this.#count);
    this.#best = Math.min(this.#best, value);
    return value;
  }

  /** Above `factor` times the best value; for a loss below zero, as far above it as a positive one would have to be. */
  diverges(value: number, factor: number): boolean {
    return value > this.#best + (factor - 1) * Math.abs(this.#best);
  }
}

/** `steps` rates from `from` to `to`, each the same factor above the one before. */
export function rates(from: number, to: number, steps: number): number[] {
  const last = Math.max(1, steps - 1);
  return Array.from({ length: steps }, (_, i) => from * (to / from) ** (i / last));
}

const SKIPPED_END = 5;
const LEAST_POINTS = 3;

/** Undefined where too little is left once the first tenth and the last five steps, which mislead, are taken off. */
export function suggest(points: readonly RangePoint[], steps: number): Suggestions | undefined {
  const kept = points.slice(Math.floor(steps / 10), -SKIPPED_END);
  if (kept.length < LEAST_POINTS) return undefined;
  const losses = kept.map(({ smoothed }) => smoothed);
  const lr = (index: number): number => kept[index]!.lr;
  return { valley: lr(valleyOf(losses)), steep: lr(steepestOf(kept)), minimum: lr(indexOfLeast(losses)) / 10 };
}

function indexOfLeast(values: readonly number[]): number {
  return values.reduce((least, value, i) => (value < values[least]! ? i : least), 0);
}

function steepestOf(points: readonly RangePoint[]): number {
  const slopes = points
    .slice(1)
    .map((point, i) => (point.smoothed - points[i]!.smoothed) / Math.log(point.lr / points[i]!.lr));
  return indexOfLeast(slopes);
}

/**
 * The valley is the longest falling subsequence of the losses. It is taken to begin as many places before its end as it
 * has members, and the rate is half a third behind the end of its first third.
 */
function valleyOf(losses: readonly number[]): number {
  const lengths = losses.map(() => 1);
  let end = 0;
  for (let i = 1; i < losses.length; i++) {
    for (let j = 0; j < i; j++) {
      if (losses[i]! < losses[j]! && lengths[i]! <= lengths[j]!) lengths[i] = lengths[j]! + 1;
    }
    if (lengths[end]! < lengths[i]!) end = i;
  }
  const start = Math.max(0, end - lengths[end]!);
  const third = (end - start) / 3;
  return start + Math.floor(third) + Math.floor(third / 2);
}

/** The points that a picture shows: up to where the loss is as far above its beginning as its least value is below. */
export function drawn(points: readonly RangePoint[]): readonly RangePoint[] {
  const losses = points.map(({ smoothed }) => smoothed);
  const least = indexOfLeast(losses);
  const [first = 0] = losses;
  const most = first + Math.max(first - losses[least]!, 0.05 * Math.abs(first));
  const end = losses.findIndex((loss, i) => i > least && loss > most);
  return end < 0 ? points : points.slice(0, end);
}
