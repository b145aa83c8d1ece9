/** The most of one rate that a threshold reaches while another rate is at least what is asked for. */
import type { FieldSchema } from '../frontend/describe';
import { numberOf } from '../layers/fields';
import { bestWhere, type Curve } from './curves';
import type { CollectingMetricDef } from './define';
import { defineRanking } from './ranking';

const EXACT = 'Every score is tried as a threshold; Keras tries 200 that are evenly spaced.';

type Rate = (tp: number, fp: number) => number;

const RATES = {
  sensitivity:
    ({ positives }: Curve): Rate =>
    (tp) =>
      tp / positives,
  specificity:
    ({ negatives }: Curve): Rate =>
    (_tp, fp) =>
      1 - fp / negatives,
  recall:
    ({ positives }: Curve): Rate =>
    (tp) =>
      tp / positives,
  precision: (): Rate => (tp, fp) => tp / (tp + fp),
} as const;

type RateName = keyof typeof RATES;

function definePoint(of: RateName, at: RateName, summary: string): CollectingMetricDef {
  const least: FieldSchema = { description: `The least ${at} that will do.`, type: 'number', minimum: 0, maximum: 1 };
  return defineRanking({
    type: `${of}_at_${at}`,
    summary,
    details: EXACT,
    example: `{type: ${of}_at_${at}, inputs: [score, label], ${at}: 0.9}`,
    fields: { [at]: least },
    required: [at],
    sample: { [at]: 0.75 },
    figure(curve, fields) {
      // With a threshold above all scores nothing is found, and nothing is wrong.
      const none = of === 'specificity' && numberOf(fields, at) <= 0 ? 1 : 0;
      return bestWhere(curve, RATES[of](curve), RATES[at](curve), numberOf(fields, at), none);
    },
  });
}

export const sensitivityAtSpecificity = definePoint(
  'sensitivity',
  'specificity',
  'The largest share of yes labels that a threshold finds while it keeps a given specificity.',
);
export const specificityAtSensitivity = definePoint(
  'specificity',
  'sensitivity',
  'The largest share of no labels that a threshold leaves alone while it keeps a given sensitivity.',
);
export const precisionAtRecall = definePoint(
  'precision',
  'recall',
  'The largest precision of a threshold that keeps a given recall.',
);
export const recallAtPrecision = definePoint(
  'recall',
  'precision',
  'The largest recall of a threshold that keeps a given precision; 0 where none does.',
);
