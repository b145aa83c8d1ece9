/**
 * Adamax (Kingma and Ba 2015, section 7.1), in the order of PyTorch's: m ← m + (1 − β1)(g − m);
 * u ← max(β2·u, |g| + ε);  p ← p − lr/(1 − β1ᵗ) · m / u.
 */
import { numberOf } from '../layers/fields';
import { coupled } from './decay';
import { defineOptimizer } from './define';
import { coupledDecay, lr } from './fields';
import { betas, epsilonOf, meanOf } from './moments';

export const adamax = defineOptimizer({
  type: 'adamax',
  summary: 'Adam with the largest recent gradient in place of their root mean square.',
  details:
    'Kingma and Ba 2015, section 7.1, as PyTorch has it: ε is in the maximum. Keras adds it to u in the division.',
  example: '{type: adamax, lr: 0.002}',
  fields: { lr: lr(0.002), ...betas(), ...coupledDecay },
  hypers: ['beta1', 'beta2', 'weight_decay', 'l1'],
  momentum: 'beta1',
  scalars: (fields, t) => ({ correction1: 1 - numberOf(fields, 'beta1') ** t }),
  lower(context) {
    const { m, parameter, lr: rate, slot, scalar, updateSlot, hyper } = context;
    const gradient = coupled(context);
    const mean = meanOf(context, gradient);
    const largest = slot('largest');
    const next = m.maximum(m.mul(largest, hyper('beta2')), m.add(m.abs(gradient), epsilonOf(context)));
    updateSlot(largest, next);
    return m.sub(parameter, m.mul(m.div(rate, scalar('correction1')), m.div(mean, next)));
  },
});
