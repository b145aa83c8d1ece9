/**
 * From what programs return (`losses/<name>/sum`, `metrics/<name>/<accumulator>`, `collected/<name>/<tensor>`) to the
 * figures and tables people read. Sums are float64 and exact over any number of batches; they go into checkpoints.
 */
import type { Spec, TermSpec } from '../frontend/spec';
import { withDefaults } from '../lower/defaults';
import { REGULARIZATION } from '../lower/regularize';
import type { MetricResult } from '../metrics/define';
import { lossFigure, metricDef, metricsIn } from '../metrics/lookup';
import type { Collected } from './collected';
import { tablesOf, type FigureTable } from './figure-tables';

export type Outputs = Readonly<Record<string, ArrayLike<number>>>;

/** What an evaluation comes to. */
export interface Evaluation {
  /** `loss`, losses and metrics by name; what a metric has beside its own figure is `<metric>/<name>`. */
  readonly figures: Record<string, number>;
  readonly tables: readonly FigureTable[];
}

const ACCUMULATOR = /^(losses|metrics|penalties)\//;

/** Results of a step that are figures as they stand: norms of gradients, losses of objectives. */
export const isStepFigure = (name: string): boolean =>
  name !== 'loss' && !ACCUMULATOR.test(name) && !name.startsWith('collected/');

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

  /** `loss` (the weighted total), each loss by name where there are several, each metric that adds up by its name. */
  figures(spec: Spec): Record<string, number> {
    const figures = this.#losses(spec);
    for (const term of metricsIn(spec, 'train')) figures[term.name] = this.#result(term).value;
    return figures;
  }

  /** Everything there is to know at the end of an evaluation. */
  evaluation(
    spec: Spec,
    collected: Collected,
    classNames: (term: TermSpec) => readonly string[] | undefined = () => undefined,
  ): Evaluation {
    const figures = this.#losses(spec);
    const tables: FigureTable[] = [];
    for (const term of spec.metrics) {
      const { name } = term;
      const result = this.#result(term, collected);
      figures[name] = result.value;
      for (const [own, value] of Object.entries(result.figures ?? {})) figures[`${name}/${own}`] = value;
      const made = tablesOf(name, result, classNames(term));
      for (const [key, value] of made.figures) figures[key] = value;
      tables.push(...made.tables);
    }
    return { figures, tables };
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

  #losses(spec: Spec): Record<string, number> {
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
    return figures;
  }

  #result({ name, type, fields }: TermSpec, collected?: Collected): MetricResult {
    const def = metricDef(type);
    const complete = withDefaults(def, fields);
    const result =
      def.collects === true ? def.finish(collected?.of(name) ?? {}, complete) : def.finish(this.#of(name), complete);
    return typeof result === 'number' ? { value: result } : result;
  }

  /** The sums of a metric, by their own names. */
  #of(metric: string): Readonly<Record<string, Float64Array>> {
    const prefix = `metrics/${metric}/`;
    const own = [...this.#sums].filter(([key]) => key.startsWith(prefix));
    return Object.fromEntries(own.map(([key, sum]) => [key.slice(prefix.length), sum]));
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
