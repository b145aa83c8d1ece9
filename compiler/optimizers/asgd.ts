/** Averaged SGD's step (Polyak and Juditsky 1992), as PyTorch's: η = lr / (1 + λ·lr·(t−1))^α;  p ← p·(1 − λ·η) − η·g. */
import { numberOf } from '../layers/fields';
import { coupled } from './decay';
import { defineOptimizer } from './define';
import { coupledDecay, lr } from './fields';

const ALPHA = 0.75;

export const asgd = defineOptimizer({
  type: 'asgd',
  summary: 'Gradient descent with a rate that falls as averaging of the weights wants it (Polyak and Juditsky 1992).',
  details:
    "The step of PyTorch's ASGD. The average itself, which PyTorch keeps in the optimizer's state and never uses, is `train.swa`, with which it is evaluated and saved.",
  example: '{type: asgd, lr: 0.01}',
  fields: {
    lr: lr(0.01),
    lambda: { description: 'Decay, and how fast the rate falls.', type: 'number', minimum: 0, default: 1e-4 },
    alpha: { description: 'Power of the fall of the rate.', type: 'number', minimum: 0, default: ALPHA },
    ...coupledDecay,
  },
  hypers: ['weight_decay', 'l1'],
  idle: (fields) =>
    numberOf(fields, 'lambda') === 0 && numberOf(fields, 'alpha') !== ALPHA
      ? { field: 'alpha', why: 'with `lambda: 0` the rate does not fall' }
      : undefined,
  scalars: (_fields, t) => ({ past: t - 1 }),
  lower(context) {
    const { m, fields, parameter, lr: rate, scalar } = context;
    const lambda = numberOf(fields, 'lambda');
    const fall = m.pow(m.add(m.mul(m.mul(rate, lambda), scalar('past')), 1), numberOf(fields, 'alpha'));
    const size = m.div(rate, fall);
    const kept = lambda === 0 ? parameter : m.mul(parameter, m.sub(1, m.mul(size, lambda)));
    return m.sub(kept, m.mul(coupled(context), size));
  },
});
