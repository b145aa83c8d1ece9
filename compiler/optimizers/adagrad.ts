/**
 * Adagrad (Duchi et al. 2011), in the order of PyTorch's: s ← s + g²;  p ← p − lr/(1 + (t−1)·lr_decay) · g / (√s + ε).
 */
import { flagOf, numberOf } from '../layers/fields';
import { coupled } from './decay';
import { defineOptimizer } from './define';
import { coupledDecay, epsilon, epsilonInside, lr } from './fields';
import { epsilonOf } from './moments';

export const adagrad = defineOptimizer({
  type: 'adagrad',
  summary: 'Divides each step by the root of the sum of all squared gradients so far (Duchi et al. 2011).',
  details:
    "PyTorch's and Caffe's formula (Caffe: `epsilon: 1.0e-8`). Keras starts from `initial: 0.1` and adds epsilon under the root: `epsilon_inside: true, epsilon: 1.0e-7`.",
  example: '{type: adagrad, lr: 0.01}',
  fields: {
    lr: lr(0.01),
    lr_decay: {
      description: 'Divides the rate by 1 + (t − 1) · lr_decay at step t, beside the schedule.',
      type: 'number',
      minimum: 0,
      default: 0,
    },
    initial: { description: 'Where the sums of squares start.', type: 'number', minimum: 0, default: 0 },
    epsilon: epsilon(1e-10),
    epsilon_inside: epsilonInside,
    ...coupledDecay,
  },
  hypers: ['weight_decay', 'l1'],
  scalars: (fields, t) => {
    const decay = numberOf(fields, 'lr_decay');
    return decay === 0 ? {} : { slowing: 1 / (1 + (t - 1) * decay) };
  },
  lower(context) {
    const { m, fields, parameter, lr: rate, slot, scalar, updateSlot } = context;
    const gradient = coupled(context);
    const sum = slot('square', { init: { type: 'constant', value: numberOf(fields, 'initial') } });
    const next = m.add(sum, m.square(gradient));
    updateSlot(sum, next);
    const root = flagOf(fields, 'epsilon_inside')
      ? m.sqrt(m.add(next, epsilonOf(context)))
      : m.add(m.sqrt(next), epsilonOf(context));
    const size = numberOf(fields, 'lr_decay') === 0 ? rate : m.mul(rate, scalar('slowing'));
    return m.sub(parameter, m.mul(m.div(gradient, root), size));
  },
});
