/** One figure out of those of several classes: averages, or a single class; and the table of all of them. */
import type { FieldSchema } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import type { LowerContext } from '../layers/define';
import type { MetricResult } from './define';

const AVERAGES = ['macro', 'weighted', 'micro'] as const;

export const averageField: FieldSchema = {
  description:
    'How the figures of several classes become one; `macro` by default. `macro`: their mean, over the classes that occur in labels or predictions. `weighted`: the mean weighed by the number of labels of each class. `micro`: the figure of all decisions together.',
  enum: AVERAGES,
};

/** Fields of a metric with a figure for each class. */
export const classFields: Readonly<Record<string, FieldSchema>> = {
  average: averageField,
  class: {
    description: 'The figure is that of this class alone; in a task of two classes the one that counts as a yes.',
    type: 'integer',
    minimum: 0,
  },
  per_class: {
    description: 'Whether evaluations show the figure of each class too, as `<name>/<class>` and in a table.',
    type: 'boolean',
    default: false,
  },
};

/** Refuses what has no effect for so many classes. */
export function checkClasses(context: LowerContext, classes: number): void {
  const { fields } = context;
  const { average, class: only } = fields;
  if (classes === 1) {
    for (const field of ['average', 'class']) {
      if (fields[field] !== undefined) context.fail([field], 'there is one score for each label, so one class alone');
    }
    if (fields['per_class'] === true) {
      context.fail(['per_class'], 'there is one score for each label, so one class alone');
    }
  }
  if (typeof only !== 'number') return;
  if (average !== undefined) context.fail(['average'], 'with `class` there is nothing to average');
  if (only >= classes) context.fail(['class'], `there are ${classes} classes, 0 to ${classes - 1}`);
}

export interface OfClasses {
  /** NaN where a class has none. */
  readonly values: ArrayLike<number>;
  /** Labels of each class. */
  readonly support: ArrayLike<number>;
  /** Whether a class takes part in the average; by default where its figure is a number. */
  readonly isPresent?: (index: number) => boolean;
  readonly micro: () => number;
}

export function figureOf({ values, support, isPresent, micro }: OfClasses, fields: Fields): number {
  const { average, class: only } = fields;
  if (values.length === 1) return values[0] ?? NaN;
  if (typeof only === 'number') return values[only] ?? NaN;
  if (average === 'micro') return micro();
  let sum = 0;
  let weights = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    if (Number.isNaN(value) || isPresent?.(i) === false) continue;
    const weight = average === 'weighted' ? (support[i] ?? 0) : 1;
    sum += weight * value;
    weights += weight;
  }
  return sum / weights;
}

/** The figure, and the table of the classes where it is asked for. */
export function resultOf(name: string, of: OfClasses, fields: Fields): number | MetricResult {
  const value = figureOf(of, fields);
  if (fields['per_class'] !== true) return value;
  return { value, classes: { [name]: of.values, labels: of.support } };
}
