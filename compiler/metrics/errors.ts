/** Means over an epoch of the terms that losses are made of: errors, divergences, margins. */
import { binaryCrossEntropy } from '../losses/binary_cross_entropy';
import { cosineSimilarity as cosineLoss } from '../losses/cosine';
import { crossEntropy as crossEntropyLoss } from '../losses/cross_entropy';
import { gaussianNll as gaussianNllLoss } from '../losses/gaussian_nll';
import { hinge as hingeLoss, squaredHinge as squaredHingeLoss } from '../losses/hinge';
import { huber as huberLoss } from '../losses/huber';
import { klDivergence as klLoss } from '../losses/kl_divergence';
import { logCoshLoss } from '../losses/log_cosh';
import { mae as maeLoss } from '../losses/mae';
import { mape as mapeLoss } from '../losses/mape';
import { categoricalHinge as categoricalHingeLoss } from '../losses/margins';
import { mse as mseLoss } from '../losses/mse';
import { msle as msleLoss } from '../losses/msle';
import { poisson as poissonLoss } from '../losses/poisson';
import { quantile as quantileLoss } from '../losses/quantile';
import { metricOfLoss } from './of_loss';

export const mse = metricOfLoss(mseLoss, {
  summary: 'Mean squared error.',
  details: 'The mean of (prediction − target)² over all numbers of the epoch.',
});

export const rmse = metricOfLoss(mseLoss, {
  type: 'rmse',
  summary: 'Root of the mean squared error.',
  details:
    "The root is taken once, of the mean over the whole epoch, as Keras' RootMeanSquaredError does. (The loss of this name takes the root of each batch.)",
  figure: Math.sqrt,
});

export const mae = metricOfLoss(maeLoss, {
  summary: 'Mean absolute error.',
  details: 'The mean of |prediction − target| over all numbers of the epoch.',
});

export const mape = metricOfLoss(mapeLoss, {
  summary: 'Mean absolute error in percent of the target.',
  details: '100 · |prediction − target| / max(|target|, epsilon), as in Keras.',
});

export const msle = metricOfLoss(msleLoss, {
  summary: 'Mean squared error of the logarithms.',
  details: '(log(1 + max(prediction, 0)) − log(1 + max(target, 0)))².',
});

export const huber = metricOfLoss(huberLoss, {
  summary: 'Mean Huber error: squared when small, absolute when large.',
  details: 'The loss of this name, averaged over the epoch.',
});

export const logCosh = metricOfLoss(logCoshLoss, {
  summary: 'Mean logarithm of the hyperbolic cosine of the error.',
  details: 'log cosh(prediction − target).',
});

export const quantile = metricOfLoss(quantileLoss, {
  summary: 'Mean pinball error of a predicted quantile.',
  details: 'The loss of this name, averaged over the epoch.',
});

export const crossEntropy = metricOfLoss(crossEntropyLoss, {
  summary: 'Mean cross-entropy of class scores against labels.',
  details:
    "The loss of this name, averaged over the epoch, say without the smoothing or the class weights that training has. Keras' CategoricalCrossentropy and SparseCategoricalCrossentropy.",
});

export const perplexity = metricOfLoss(crossEntropyLoss, {
  type: 'perplexity',
  summary: 'How many equally likely tokens a language model is undecided between: e to the power of the cross-entropy.',
  details:
    'exp(Σ −log p(token) / tokens) over all tokens of the epoch that are not ignored: long sequences count by their length. Scores [N, T, V] with `axis: -1`, labels [N, T], and `ignore_index` for the padding or a mask [N, T] as third input. Σ and tokens are added up before the power is taken: the mean of the perplexities of batches would be larger.',
  example: '{type: perplexity, inputs: [logits, label]}',
  without: ['label_smoothing', 'class_weights'],
  figure: Math.exp,
});

export const binaryCrossEntropyMetric = metricOfLoss(binaryCrossEntropy, {
  summary: 'Mean cross-entropy of yes-or-no predictions.',
  details: 'The loss of this name, averaged over the epoch.',
});

export const klDivergence = metricOfLoss(klLoss, {
  summary: 'Mean divergence of predicted distributions from the target distributions.',
  details: 'Σ t · (log t − log p) of each distribution.',
});

export const poisson = metricOfLoss(poissonLoss, {
  summary: 'Mean negative log-likelihood of counts.',
  details: 'The loss of this name, averaged over the epoch.',
});

export const gaussianNll = metricOfLoss(gaussianNllLoss, {
  summary: 'Mean negative log-likelihood of numbers whose mean and variance are predicted.',
  details: 'The loss of this name, averaged over the epoch.',
});

export const hinge = metricOfLoss(hingeLoss, {
  summary: 'Mean hinge loss: scores on the wrong side of a margin.',
  details: 'The loss of this name, averaged over the epoch.',
});

export const squaredHinge = metricOfLoss(squaredHingeLoss, {
  summary: 'Mean squared hinge loss.',
  details: 'The loss of this name, averaged over the epoch.',
});

export const categoricalHinge = metricOfLoss(categoricalHingeLoss, {
  summary: 'Mean margin by which the best wrong class beats the true one.',
  details: 'The loss of this name, averaged over the epoch.',
});

export const cosineSimilarity = metricOfLoss(cosineLoss, {
  summary: 'Mean cosine of the angle between predicted and target vectors, from −1 to 1.',
  details: "x·t / (|x|·|t|), as Keras' metric and PyTorch's CosineSimilarity; the loss of this name is its negative.",
  better: 'higher',
  figure: (mean) => -mean,
});
