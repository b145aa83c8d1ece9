/** Lion (Chen et al. 2023): p ← p − lr · sign(β1·m + (1 − β1)·g);  m ← β2·m + (1 − β2)·g. */
import { numberOf } from '../layers/fields';
import { decoupled } from './decay';
import { defineOptimizer } from './define';
import { decoupledDecay, fraction, lr } from './fields';

const BETA2 = 0.99;

export const lion = defineOptimizer({
  type: 'lion',
  summary: 'Steps of one size in every direction: the sign of an average of gradients (Chen et al. 2023).',
  details:
    "Algorithm 2 of the paper, as Keras has it; PyTorch has none. Use a rate three to ten times smaller than Adam's and a weight decay as many times larger.",
  example: '{type: lion, lr: 1.0e-4, weight_decay: 0.1}',
  fields: {
    lr: lr(1e-4),
    beta1: fraction('Share of the running mean in the step.', 0.9),
    beta2: fraction('Decay of the running mean of gradients.', BETA2),
    ...decoupledDecay(0),
  },
  hypers: ['beta1', 'beta2', 'weight_decay', 'l1'],
  momentum: 'beta1',
  idle: (fields) =>
    numberOf(fields, 'beta1') === 0 && numberOf(fields, 'beta2') !== BETA2
      ? { field: 'beta2', why: 'with `beta1: 0` the running mean has no part in the step' }
      : undefined,
  scalars: () => ({}),
  lower(context) {
    const { m, gradient, lr: rate, slot, updateSlot, rest } = context;
    const mean = slot('mean');
    // Both averages from one difference, so that one kernel call makes both.
    const fresh = m.sub(gradient, mean);
    const direction = m.sign(m.add(mean, m.mul(fresh, rest('beta1'))));
    updateSlot(mean, m.add(mean, m.mul(fresh, rest('beta2'))));
    return m.sub(decoupled(context), m.mul(direction, rate));
  },
});
