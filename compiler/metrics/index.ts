/** Every metric, by its name in a model file. A new one is one file and one line here. */
import { accuracy } from './accuracy';
import { balancedAccuracy, cohenKappa, matthews } from './agreement';
import { auc, averagePrecision } from './auc';
import { brier, expectedCalibrationError } from './calibration';
import { confusionMatrix } from './confusion_matrix';
import { concordance, pearson, r2, spearman } from './correlation';
import type { MetricDef } from './define';
import { characterErrorRate, wordErrorRate } from './edit_distance';
import * as errors from './errors';
import { expression } from './expression';
import { meanAveragePrecision } from './mean_average_precision';
import {
  precisionAtRecall,
  recallAtPrecision,
  sensitivityAtSpecificity,
  specificityAtSensitivity,
} from './operating_points';
import { falseNegatives, falsePositives, trueNegatives, truePositives } from './outcomes';
import { f1, fBeta, precision, recall, specificity } from './precision_recall';
import { dice, iou, meanIou } from './regions';
import { topK } from './top_k';
import { mean, sum } from './totals';

export const METRICS = {
  // Decisions
  accuracy,
  top_k: topK,
  balanced_accuracy: balancedAccuracy,
  precision,
  recall,
  specificity,
  f1,
  f_beta: fBeta,
  true_positives: truePositives,
  false_positives: falsePositives,
  true_negatives: trueNegatives,
  false_negatives: falseNegatives,
  confusion_matrix: confusionMatrix,
  cohen_kappa: cohenKappa,
  matthews,
  // Every threshold
  auc,
  average_precision: averagePrecision,
  sensitivity_at_specificity: sensitivityAtSpecificity,
  specificity_at_sensitivity: specificityAtSensitivity,
  precision_at_recall: precisionAtRecall,
  recall_at_precision: recallAtPrecision,
  // Probabilities
  cross_entropy: errors.crossEntropy,
  binary_cross_entropy: errors.binaryCrossEntropyMetric,
  perplexity: errors.perplexity,
  kl_divergence: errors.klDivergence,
  expected_calibration_error: expectedCalibrationError,
  brier,
  // Regions and boxes
  mean_iou: meanIou,
  iou,
  dice,
  mean_average_precision: meanAveragePrecision,
  // Numbers
  mse: errors.mse,
  rmse: errors.rmse,
  mae: errors.mae,
  mape: errors.mape,
  msle: errors.msle,
  huber: errors.huber,
  log_cosh: errors.logCosh,
  quantile: errors.quantile,
  poisson: errors.poisson,
  gaussian_nll: errors.gaussianNll,
  r2,
  pearson,
  spearman,
  concordance,
  cosine_similarity: errors.cosineSimilarity,
  // Margins
  hinge: errors.hinge,
  squared_hinge: errors.squaredHinge,
  categorical_hinge: errors.categoricalHinge,
  // Sequences
  character_error_rate: characterErrorRate,
  word_error_rate: wordErrorRate,
  // What layers compute
  mean,
  sum,
  expression,
} as const satisfies Readonly<Record<string, MetricDef>>;
