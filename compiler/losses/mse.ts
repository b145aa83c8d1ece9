/** Mean squared error. */
import { defineRegression } from './regression';

export const mse = defineRegression({
  type: 'mse',
  summary: 'Mean squared error.',
  details:
    "The mean of (prediction − target)² over all elements, as in Keras and PyTorch. Caffe's EuclideanLoss is half the sum over each sample instead: `euclidean`.",
  samples: [
    { name: 'column', inputs: [{ shape: ['N', 1] }, { shape: ['N'], dtype: 'int32' }] },
    ...(['mean', 'valid', 'full', 'batch', 'sum'] as const).map((normalization) => ({
      name: normalization,
      inputs: [
        { shape: ['N', 3, 5] as const },
        { shape: ['N', 3, 5] as const },
        { shape: ['N', 3] as const, values: [0.5, 0, 2, 1] },
      ],
      wrt: [0, 1],
      fields: { normalization },
    })),
  ],
  term: (m, x, t) => m.square(m.sub(x, t)),
});
