/** Metrics by the words of a model, which of them a mode computes, and what their figures are called. */
import { InternalError } from '../diagnostics/errors';
import type { Mode, Spec, TermSpec } from '../frontend/spec';
import type { Better, MetricDef } from './define';
import { METRICS } from './index';

export function metricDef(type: string): MetricDef {
  const def = Object.hasOwn(METRICS, type) ? (METRICS as Readonly<Record<string, MetricDef>>)[type] : undefined;
  if (!def) throw new InternalError(`no metric is called '${type}'`);
  return def;
}

export function isEvaluationOnly({ type }: TermSpec): boolean {
  const def = metricDef(type);
  return def.collects === true || def.evaluationOnly === true;
}

/** The metrics that a program of the mode computes. */
export function metricsIn({ metrics }: Spec, mode: Mode): readonly TermSpec[] {
  return mode === 'train' ? metrics.filter((term) => !isEvaluationOnly(term)) : metrics;
}

/** What the figure of a loss is called: its name, or that and `_loss` where a metric is called so too. */
export function lossFigure(spec: Spec, name: string): string {
  const others = spec.losses.filter((loss) => loss.name !== name);
  const taken = new Set([...others, ...spec.metrics].map((term) => term.name));
  let figure = name;
  while (taken.has(figure)) figure += '_loss';
  return figure;
}

/** What every evaluation has figures of. A single loss is in them as `loss` alone. */
export function figureNames(spec: Spec): readonly string[] {
  const { losses, metrics } = spec;
  return [
    'loss',
    ...(losses.length > 1 ? losses : []).map(({ name }) => lossFigure(spec, name)),
    ...metrics.flatMap(({ name, type }) => [name, ...(metricDef(type).figures ?? []).map((own) => `${name}/${own}`)]),
  ];
}

/** Whether more or less of a figure is better: metrics say so, of losses it is less. */
export function betterOf({ metrics }: Spec, figure: string): Better {
  const metric = metrics.find(({ name }) => name === figure || figure.startsWith(`${name}/`));
  if (!metric) return 'lower';
  const { better } = metricDef(metric.type);
  return typeof better === 'function' ? better(metric.fields) : better;
}
