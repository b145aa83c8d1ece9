/** Losses as metrics: the mean of the same terms over all of an epoch, or a function of it. */
import type { Sample } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import type { LossDef } from '../losses/define';
import { defineMetric, type Better, type SumMetricDef, type Sums } from './define';

interface Words {
  readonly type?: string;
  readonly summary: string;
  readonly details: string;
  readonly example?: string;
  readonly better?: Better;
  /** Fields of the loss that the metric does not have, beside `normalization`. */
  readonly without?: readonly string[];
  /** From the mean of the terms to the figure. */
  readonly figure?: (mean: number) => number;
}

/** The mean of the terms; NaN where nothing counted. */
export function meanOf({ sum, count }: Sums): number {
  return (sum?.[0] ?? 0) / (count?.[0] ?? 0);
}

export function metricOfLoss(loss: LossDef, words: Words): SumMetricDef {
  const { without = [], figure = (mean: number) => mean, better = 'lower' } = words;
  const dropped = new Set(['normalization', ...without]);
  const kept = (fields: Fields = {}): boolean => Object.keys(fields).every((name) => !dropped.has(name));
  const defaults = Object.fromEntries(
    Object.entries(loss.fields).flatMap(([name, { default: value }]) =>
      dropped.has(name) && value !== undefined ? [[name, value] as const] : [],
    ),
  );
  const type = words.type ?? loss.type;
  return defineMetric({
    type,
    summary: words.summary,
    details: `${words.details}\n\nInputs and fields are those of the loss \`${loss.type}\`: an optional last input weighs the terms.`,
    example: words.example ?? loss.example.replace(`type: ${loss.type}`, `type: ${type}`),
    fields: Object.fromEntries(Object.entries(loss.fields).filter(([name]) => !dropped.has(name))),
    ...(loss.required ? { required: loss.required } : {}),
    samples: (loss.samples ?? []).filter((sample: Sample) => kept(sample.fields)),
    arity: loss.arity,
    better,
    lower: (context, inputs) => {
      const fields = { ...defaults, ...context.fields };
      if (dropped.has('normalization')) fields['normalization'] = 'mean';
      return { ...loss.lower({ ...context, fields }, inputs) };
    },
    finish: (sums) => figure(meanOf(sums)),
  });
}
