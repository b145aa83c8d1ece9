/**
 * The terms of a loss as sums and counts: what a batch adds up to is Σ sum / Σ count, whichever parts it was computed in.
 */
import type { TermSpec } from '../frontend/spec';
import type { Builder } from '../ir/builder';
import type { Value } from '../ir/graph';
import { metricDef, metricsIn } from '../metrics/lookup';
import type { ModelLowering } from './model';

export interface Term {
  /** Its results are `<path>/sum` and `<path>/count`. */
  readonly path: string;
  readonly weight: number;
  readonly sum: Value;
  readonly count: Value;
  /** Its count may be 0: a batch in which nothing counts (every label ignored) has a loss of 0 rather than 0 / 0. */
  readonly mayBeEmpty: boolean;
}

const TINY = 1e-12;

export const pathOfLoss = (name: string): string => `losses/${name}`;

/** Some of the model's losses, and the penalties of the layers that were lowered. */
export function lowerLosses(model: ModelLowering, losses: readonly TermSpec[]): readonly Term[] {
  const terms = losses.flatMap((term): Term[] => {
    const made = model.lowerLoss(term);
    return made ? [{ path: pathOfLoss(term.name), weight: term.weight, ...made, mayBeEmpty: true }] : [];
  });
  const penalties = model.penalties.map(({ name, sum, count }): Term => ({
    path: `penalties/${name}`,
    weight: 1,
    sum,
    count,
    mayBeEmpty: false,
  }));
  return losses.length > 0 ? [...terms, ...penalties] : [];
}

export function reportTerm(b: Builder, { path, sum, count }: Term): void {
  b.result(`${path}/sum`, sum);
  b.result(`${path}/count`, count);
}

/** weight · sum / count, where `count` may be that of a larger batch. */
export function weightedMean(b: Builder, { weight, sum, count, mayBeEmpty }: Term, over: Value = count): Value {
  const mean = b.op('div', [sum, mayBeEmpty ? b.op('maximum', [over, b.full(TINY)]) : over]);
  return weight === 1 ? mean : b.op('mul', [mean, b.full(weight)]);
}

/** Undefined for no parts. */
export function totalOf(b: Builder, parts: readonly Value[]): Value | undefined {
  let total: Value | undefined;
  for (const part of parts) total = total ? b.op('add', [total, part]) : part;
  return total;
}

/** The accumulators of every metric of the mode, and what it collects, by the names of their results. */
export function lowerMetrics(model: ModelLowering): readonly (readonly [string, Value])[] {
  return metricsIn(model.spec, model.options.mode).flatMap((term) => {
    const path = metricDef(term.type).collects === true ? 'collected' : 'metrics';
    return Object.entries(model.lowerMetric(term) ?? {}).map(
      ([name, value]) => [`${path}/${term.name}/${name}`, value] as const,
    );
  });
}
