/** Every loss, by its name in a model file. A new one is one file and one line here. */
import { binaryCrossEntropy } from './binary_cross_entropy';
import { crossEntropy } from './cross_entropy';
import type { LossDef } from './define';
import { expression } from './expression';
import { euclidean } from './euclidean';
import { gaussianNll } from './gaussian_nll';
import { huber } from './huber';
import { klDivergence } from './kl_divergence';
import { logCoshLoss } from './log_cosh';
import { mae } from './mae';
import { mape } from './mape';
import { mse } from './mse';
import { msle } from './msle';
import { poisson } from './poisson';
import { quantile } from './quantile';
import { rmse } from './rmse';
import { smoothL1 } from './smooth_l1';

export const LOSSES = {
  // Classes
  cross_entropy: crossEntropy,
  binary_cross_entropy: binaryCrossEntropy,
  // Numbers
  mse,
  mae,
  rmse,
  mape,
  msle,
  euclidean,
  huber,
  smooth_l1: smoothL1,
  log_cosh: logCoshLoss,
  quantile,
  // Distributions
  kl_divergence: klDivergence,
  poisson,
  gaussian_nll: gaussianNll,
  // By formula
  expression,
} as const satisfies Readonly<Record<string, LossDef>>;
