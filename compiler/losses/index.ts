/** Every loss, by its name in a model file. A new one is one file and one line here. */
import { binaryCrossEntropy } from './binary_cross_entropy';
import { boxIouLoss } from './box_iou';
import { circle } from './circle';
import { contrastive } from './contrastive';
import { cosineEmbedding, cosineSimilarity } from './cosine';
import { crossEntropy } from './cross_entropy';
import { ctc } from './ctc';
import type { LossDef } from './define';
import { dice } from './dice';
import { euclidean } from './euclidean';
import { expression } from './expression';
import { focal } from './focal';
import { gaussianNll } from './gaussian_nll';
import { generalizedCrossEntropy } from './generalized_cross_entropy';
import { gradientPenalty } from './gradient_penalty';
import { hinge, hingeEmbedding, softMargin, squaredHinge } from './hinge';
import { huber } from './huber';
import { infoNce, ntXent } from './info_nce';
import { infogain } from './infogain';
import { klDivergence } from './kl_divergence';
import { logCoshLoss } from './log_cosh';
import { lovasz } from './lovasz';
import { mae } from './mae';
import { mape } from './mape';
import { categoricalHinge, marginRanking, multiMargin, multilabelMargin } from './margins';
import { mean } from './mean';
import { mse } from './mse';
import { msle } from './msle';
import { multibox } from './multibox';
import { multinomialLogistic, nll } from './nll';
import { poisson } from './poisson';
import { quantile } from './quantile';
import { rmse } from './rmse';
import { smoothL1 } from './smooth_l1';
import { triplet } from './triplet';
import { tversky } from './tversky';
import { yolo } from './yolo';

export const LOSSES = {
  // Classes
  cross_entropy: crossEntropy,
  binary_cross_entropy: binaryCrossEntropy,
  focal,
  generalized_cross_entropy: generalizedCrossEntropy,
  infogain,
  nll,
  multinomial_logistic: multinomialLogistic,
  // Margins
  hinge,
  squared_hinge: squaredHinge,
  soft_margin: softMargin,
  categorical_hinge: categoricalHinge,
  multi_margin: multiMargin,
  multilabel_margin: multilabelMargin,
  // Regions
  dice,
  tversky,
  lovasz,
  // Boxes
  box_iou: boxIouLoss,
  multibox,
  yolo,
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
  // Embeddings
  cosine_similarity: cosineSimilarity,
  cosine_embedding: cosineEmbedding,
  contrastive,
  hinge_embedding: hingeEmbedding,
  triplet,
  margin_ranking: marginRanking,
  info_nce: infoNce,
  nt_xent: ntXent,
  circle,
  // Sequences
  ctc,
  // What layers compute
  mean,
  gradient_penalty: gradientPenalty,
  // By formula
  expression,
} as const satisfies Readonly<Record<string, LossDef>>;
