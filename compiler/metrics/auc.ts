/** Areas under the curves of all thresholds. */
import { averagePrecisionOf, precisionRecallArea, rocArea } from './curves';
import { defineRanking } from './ranking';

export const auc = defineRanking({
  type: 'auc',
  summary: 'Area under the curve of true positives over false positives, or of precision over recall.',
  details:
    "`curve: roc`: the share of pairs of a yes and a no whose scores are in the right order, a tie counting half (Mann and Whitney). `curve: pr`: straight lines between the points of precision over recall, beginning at precision 1, as scikit-learn's `auc` of its `precision_recall_curve`; `average_precision` is the sum of steps, which flatters less. Every score is a threshold, where Keras' AUC has 200 and is off by as much as they are coarse.",
  example: '{type: auc, inputs: [score, label], curve: roc}',
  fields: { curve: { description: 'Which curve.', enum: ['roc', 'pr'], default: 'roc' } },
  samples: [
    {
      inputs: [{ shape: ['N', 3] }, { shape: ['N'], dtype: 'int32', range: [0, 2] }],
      fields: { average: 'micro', curve: 'pr' },
    },
  ],
  figure: (curve, { curve: which }) => (which === 'pr' ? precisionRecallArea(curve) : rocArea(curve)),
});

export const averagePrecision = defineRanking({
  type: 'average_precision',
  summary: 'Mean of the precision at each threshold, weighed by how much recall is gained there.',
  details:
    "Σ (R[i] − R[i−1]) · P[i] over the different scores from the highest down, as scikit-learn's `average_precision_score`. Of boxes: `mean_average_precision`.",
  oneSided: true,
  figure: averagePrecisionOf,
});
