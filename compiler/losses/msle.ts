/** Mean squared error of logarithms. */
import { defineRegression } from './regression';

export const msle = defineRegression({
  type: 'msle',
  summary: 'Mean squared error of the logarithms of prediction and target, for positive numbers of many magnitudes.',
  details:
    '(log(1 + max(prediction, 0)) − log(1 + max(target, 0)))². Keras holds both at 1e-7 instead of 0, which no float32 shows.',
  ranges: [
    [-0.5, 3],
    [0, 4],
  ],
  term: (m, x, t) => m.square(m.sub(m.log1p(m.maximum(x, 0)), m.log1p(m.maximum(t, 0)))),
});
