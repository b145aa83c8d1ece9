/** The reductions: sums, means, norms, extremes, spreads and quantifiers over axes. */
import type { FieldSchema } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import { numberOf } from '../fields';
import type { Reduced } from './reduction';
import { defineReduction } from './reduction';

export const reduceSum = defineReduction({
  type: 'reduce_sum',
  summary: 'The sum over axes.',
  takes: 'number',
  apply: (x, { reduce }) => reduce('reduce_sum', x),
});

export const reduceMean = defineReduction({
  type: 'reduce_mean',
  summary: 'The mean over axes.',
  takes: 'float',
  apply: (x, { m, count, reduce }) => m.mul(reduce('reduce_sum', x), 1 / count),
});

export const reduceMax = defineReduction({
  type: 'reduce_max',
  summary: 'The largest over axes.',
  details: 'Where several are equal they share the gradient evenly, as torch.amax.',
  takes: 'number',
  apply: (x, { reduce }) => reduce('reduce_max', x),
});

export const reduceMin = defineReduction({
  type: 'reduce_min',
  summary: 'The smallest over axes.',
  details: 'Where several are equal they share the gradient evenly, as torch.amin.',
  takes: 'number',
  apply: (x, { reduce }) => reduce('reduce_min', x),
});

export const reduceProd = defineReduction({
  type: 'reduce_prod',
  summary: 'The product over axes.',
  takes: 'float',
  range: [0.6, 1.7],
  samples: [{ name: 'a zero', inputs: [{ shape: ['N', 3], values: [2, 0, -3] }] }],
  apply: (x, { reduce }) => reduce('reduce_prod', x),
});

export const reduceL1Norm = defineReduction({
  type: 'reduce_l1_norm',
  summary: 'The sum of magnitudes over axes.',
  details: "Caffe's Reduction with ASUM.",
  takes: 'float',
  apply: (x, { m, reduce }) => reduce('reduce_sum', m.op('abs', x)),
});

export const reduceSumSquares = defineReduction({
  type: 'reduce_sum_squares',
  summary: 'The sum of squares over axes.',
  details: "Caffe's Reduction with SUMSQ.",
  takes: 'float',
  apply: (x, { m, reduce }) => reduce('reduce_sum', m.square(x)),
});

export const reduceL2Norm = defineReduction({
  type: 'reduce_l2_norm',
  summary: 'The square root of the sum of squares over axes: the Euclidean length.',
  details: 'Where all elements are 0 the gradient is 0, as in PyTorch.',
  takes: 'float',
  samples: [{ name: 'zeros', inputs: [{ shape: ['N', 3], values: [0] }], wrt: [] }],
  apply: (x, reduced) => rootOf(reduced, reduced.reduce('reduce_sum', reduced.m.square(x))),
});

export const reduceLogSumExp = defineReduction({
  type: 'reduce_log_sum_exp',
  summary: 'log Σ exp(x) over axes, a smooth maximum.',
  details: 'Computed from x less its maximum, so that it does not overflow.',
  takes: 'float',
  samples: [
    { name: 'large', inputs: [{ shape: ['N', 3], values: [1000, 999, 998] }] },
    { name: 'masked', inputs: [{ shape: ['N', 3], values: [-Infinity, 1, 2] }], wrt: [] },
  ],
  apply(x, { context: { b }, m, reduce }) {
    // At least the least number there is: where all are −∞ the difference is no NaN. It is a shift, without a gradient.
    const largest = m.op('maximum', reduce('reduce_max', x, true), -3.4e38);
    const shift = b.op('stop_gradient', [largest]);
    const log = m.log(reduce('reduce_sum', m.exp(m.sub(x, shift))));
    return m.add(log, b.op('reshape', [shift], { shape: log.type.shape }));
  },
});

const CORRECTION: FieldSchema = {
  description: 'What is taken off the number of elements before dividing by it: 1 for the unbiased estimate.',
  type: 'integer',
  minimum: 0,
  default: 0,
};

const SPREAD =
  'The mean of squared distances from the mean. Keras and NumPy divide by the number n of elements, as here; PyTorch by n − 1, which is `correction: 1`.';

export const reduceVariance = defineReduction({
  type: 'reduce_variance',
  summary: 'The variance over axes.',
  details: SPREAD,
  takes: 'float',
  fields: { correction: CORRECTION },
  samples: [{ inputs: [{ shape: ['N', 5] }], fields: { correction: 1 } }],
  apply: varianceOf,
});

export const reduceStd = defineReduction({
  type: 'reduce_std',
  summary: 'The standard deviation over axes.',
  details: `${SPREAD} Where all elements are equal the gradient is 0.`,
  takes: 'float',
  fields: { correction: CORRECTION },
  samples: [{ inputs: [{ shape: ['N', 5] }], fields: { correction: 1 } }],
  apply: (x, reduced) => rootOf(reduced, varianceOf(x, reduced)),
});

export const reduceAny = defineReduction({
  type: 'reduce_any',
  summary: 'True where one element over the axes is.',
  takes: 'bool',
  apply: (x, { context: { b }, reduce }) =>
    b.op('cast', [reduce('reduce_max', b.op('cast', [x], { dtype: 'u8' }))], { dtype: 'bool' }),
});

export const reduceAll = defineReduction({
  type: 'reduce_all',
  summary: 'True where all elements over the axes are.',
  takes: 'bool',
  apply: (x, { context: { b }, reduce }) =>
    b.op('cast', [reduce('reduce_min', b.op('cast', [x], { dtype: 'u8' }))], { dtype: 'bool' }),
});

function varianceOf(x: Value, { context, m, count, reduce }: Reduced): Value {
  const divisor = count - numberOf(context.fields, 'correction');
  if (divisor <= 0) {
    context.fail(['correction'], `there are only ${count} elements to make one number of`);
  }
  const mean = m.mul(reduce('reduce_sum', x, true), 1 / count);
  return m.mul(reduce('reduce_sum', m.square(m.sub(x, mean))), 1 / divisor);
}

/** √x with gradient 0 at 0: the root is taken of something else there, so that nothing infinite is multiplied by 0. */
function rootOf({ m }: Reduced, x: Value): Value {
  const isPositive = m.greater(x, 0);
  return m.where(isPositive, m.op('sqrt', m.where(isPositive, x, 1)), 0);
}
