/** Figures of all decisions at once that neither chance nor unequal classes flatter. */
import { decisionSamples, decisionsOf } from './counts';
import { countDecisions, decisionFields, TASKS } from './decisions';
import { defineMetric, type SumMetricDef, type Sums } from './define';

/** How often each of two or more classes, one of which every label has, was decided on rightly, predicted and true. */
interface Margins {
  readonly hits: readonly number[];
  readonly predicted: readonly number[];
  readonly actual: readonly number[];
  readonly count: number;
}

/** One for a choice among classes; for yes-or-no tasks one for each class, of yes and no. */
function marginsOf(sums: Sums): readonly Margins[] {
  const { hits = [], predicted = [], actual = [], count = [] } = sums;
  if (hits.length > 1 && count.length === 1) {
    return [{ hits: [...hits], predicted: [...predicted], actual: [...actual], count: count[0] ?? 0 }];
  }
  return decisionsOf(sums).of.map(({ tp, fp, fn, tn }) => ({
    hits: [tp, tn],
    predicted: [tp + fp, fn + tn],
    actual: [tp + fn, fp + tn],
    count: tp + fp + fn + tn,
  }));
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

const sumOf = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0);

const products = (a: readonly number[], b: readonly number[]): number => sumOf(a.map((x, i) => x * (b[i] ?? 0)));

function defineAgreement(
  type: string,
  summary: string,
  details: string,
  figure: (margins: Margins) => number,
): SumMetricDef {
  return defineMetric({
    type,
    summary,
    details: `${TASKS} A multi-label figure is the mean of those of the classes.\n\n${details}`,
    example: `{type: ${type}, inputs: [logits, label]}`,
    fields: decisionFields,
    samples: decisionSamples,
    arity: [2, 2],
    better: 'higher',
    lower: countDecisions,
    finish: (sums) => mean(marginsOf(sums).map((margins) => (margins.count > 0 ? figure(margins) : NaN))),
  });
}

export const balancedAccuracy = defineAgreement(
  'balanced_accuracy',
  'Mean of the recall of each class, so that rare classes count as much as frequent ones.',
  'The mean of tp / (tp + fn) over the classes that have labels, yes and no being two of them (scikit-learn).',
  ({ hits, actual }) => mean(hits.flatMap((hit, i) => ((actual[i] ?? 0) > 0 ? [hit / (actual[i] ?? 1)] : []))),
);

export const cohenKappa = defineAgreement(
  'cohen_kappa',
  "Cohen's kappa: agreement beyond what chance would give, 1 at most.",
  '(p − e) / (1 − e), p the share of right decisions, e = Σ predicted · actual / n² what independent decisions of the same frequencies would give (Cohen 1960). Where labels and decisions are of one class alone there is none (NaN).',
  ({ hits, predicted, actual, count }) => {
    const chance = products(predicted, actual) / count ** 2;
    return (sumOf(hits) / count - chance) / (1 - chance);
  },
);

export const matthews = defineAgreement(
  'matthews',
  "Matthews' correlation of decisions and labels, from −1 to 1.",
  '(c·n − Σ p·t) / sqrt((n² − Σ p²)·(n² − Σ t²)) with c right decisions and p, t how often each class is predicted and true (Gorodkin 2004), which is (tp·tn − fp·fn) / sqrt((tp+fp)(tp+fn)(tn+fp)(tn+fn)) of yes and no. 0 where decisions or labels are of one class alone.',
  ({ hits, predicted, actual, count }) => {
    const square = count ** 2;
    const spread = (square - products(predicted, predicted)) * (square - products(actual, actual));
    return spread > 0 ? (sumOf(hits) * count - products(predicted, actual)) / Math.sqrt(spread) : 0;
  },
);
