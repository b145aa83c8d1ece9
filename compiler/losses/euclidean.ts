/** Half the squared distance of each sample, as Caffe has it. */
import { defineRegression } from './regression';

export const euclidean = defineRegression({
  type: 'euclidean',
  summary: 'Half the squared distance between prediction and target, summed over each sample.',
  details:
    "½ · Σ (prediction − target)² / N: Caffe's EuclideanLoss. It grows with the size of a sample, which `mse` does not: for D elements each it is D/2 times the `mse`.",
  normalization: 'batch',
  term: (m, x, t) => m.mul(0.5, m.square(m.sub(x, t))),
});
