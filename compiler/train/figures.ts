/**
 * From the additive accumulators that programs return (`losses/<name>/sum`, `metrics/<name>/<accumulator>`) to the
 * figures people read. Sums are float64 and exact over any number of batches; they go into checkpoints.
 */
import { InternalError } from '../diagnostics/errors';
import type { Spec } from '../frontend/spec';
import { REGULARIZATION } from '../lower/regularize';
import type { MetricDef } from '../losses/define';
import { METRICS } from '../metrics/index';

export type Outputs = Readonly<Record<string, ArrayLike<number>>>;

const ACCUMULATOR = /^(losses|metrics|penalties)\//;

function metricDef(type: string): MetricDef {
  const def = (METRICS as Readonly<Record<string, MetricDef>>)[type];
  if (!def) throw new InternalError(`no metric is called '${type}'`);
  return def;
}

/** What the figure of a loss is called: its name, or that and `_loss` where a metric is called so too. */
export function lossFigure(spec: Spec, name: string): string {
  const others = spec.losses.filter((loss) => loss.name !== name);
  const taken = new Set([...others, ...spec.metrics].map((term) => term.name));
  let figure = name;
  while (taken.has(figure)) figure += '_loss';
  return figure;
}

export class Accumulators {
  readonly #sums = new Map<string, Float64Array>();

  /** Adds the results of step `step` of a call; `outputs` hold all the call's steps one after the other. */
  add(outputs: Outputs, step: number, steps: number): void {
    for (const [name, values] of Object.entries(outputs)) {
      if (!ACCUMULATOR.test(name)) continue;
      const size = values.length / steps;
      let sum = this.#sums.get(name);
      if (!sum) this.#sums.set(name, (sum = new Float64Array(size)));
      for (let i = 0; i < size; i++) sum[i]! += values[step * size + i]!;
    }
  }

  /** `loss` (the weighted total), each loss by name where there are several, each metric by name. */
  figures(spec: Spec): Record<string, number> {
    const figures: Record<string, number> = { loss: 0 };
    for (const { name, weight } of spec.losses) {
      // One whose objective was not at work.
      if (!this.#sums.has(`losses/${name}/sum`)) continue;
      const value = this.#first(`losses/${name}/sum`) / Math.max(this.#first(`losses/${name}/count`), Number.MIN_VALUE);
      figures['loss']! += weight * value;
      if (spec.losses.length > 1) figures[lossFigure(spec, name)] = value;
    }
    for (const [name, sum] of this.#sums) {
      const layer = /^penalties\/(.*)\/sum$/.exec(name)?.[1];
      if (layer === undefined) continue;
      const penalty = (sum[0] ?? 0) / this.#first(`penalties/${layer}/count`);
      figures['loss']! += penalty;
      if (layer === REGULARIZATION) figures['regularization'] = penalty;
    }
    for (const { name, type } of spec.metrics) {
      const prefix = `metrics/${name}/`;
      const own = [...this.#sums].filter(([key]) => key.startsWith(prefix));
      const accumulators = Object.fromEntries(own.map(([key, sum]) => [key.slice(prefix.length), sum]));
      figures[name] = metricDef(type).finish(accumulators);
    }
    return figures;
  }

  clear(): void {
    this.#sums.clear();
  }

  toJSON(): Record<string, number[]> {
    return Object.fromEntries([...this.#sums].map(([name, sum]) => [name, [...sum]]));
  }

  restore(saved: Readonly<Record<string, readonly number[]>>): void {
    this.clear();
    for (const [name, values] of Object.entries(saved)) this.#sums.set(name, Float64Array.from(values));
  }

  #first(name: string): number {
    return this.#sums.get(name)?.[0] ?? 0;
  }
}

/** The figures of one step alone. */
export function stepFigures(spec: Spec, outputs: Outputs, step: number, steps: number): Record<string, number> {
  const one = new Accumulators();
  one.add(outputs, step, steps);
  return one.figures(spec);
}
