/**
 * RMSprop (Tieleman and Hinton 2012), in the order of PyTorch's: v ← ρ·v + (1 − ρ)·g²;  d = g / (√v + ε);
 * buf ← momentum·buf + d;  p ← p − lr·buf. Centered: the variance v − mean² instead of v.
 */
import { flag, flagOf, numberOf } from '../layers/fields';
import { coupled } from './decay';
import { defineOptimizer } from './define';
import { coupledDecay, epsilon, epsilonInside, fraction, lr, lrInBuffer } from './fields';
import { epsilonOf } from './moments';

export const rmsprop = defineOptimizer({
  type: 'rmsprop',
  summary: 'Divides each step by the root of the running mean of squared gradients.',
  details:
    "PyTorch's formula, whose `alpha` is `rho` here. Caffe's has the same one without momentum. Keras: `rho: 0.9, epsilon: 1.0e-7, epsilon_inside: true, lr_in_buffer: true`.",
  example: '{type: rmsprop, lr: 0.001, rho: 0.9}',
  fields: {
    lr: lr(0.01),
    rho: fraction('Decay of the running mean of squared gradients.', 0.99),
    momentum: fraction('Share of the buffer that is kept in each step.', 0),
    centered: flag('Divides by the standard deviation of gradients rather than the root of their mean square.', false),
    epsilon: epsilon(1e-8),
    epsilon_inside: epsilonInside,
    lr_in_buffer: lrInBuffer,
    ...coupledDecay,
  },
  hypers: ['rho', 'momentum', 'weight_decay', 'l1'],
  momentum: 'momentum',
  idle: (fields) =>
    flagOf(fields, 'lr_in_buffer') && numberOf(fields, 'momentum') === 0
      ? { field: 'lr_in_buffer', why: 'there is no buffer without momentum' }
      : undefined,
  scalars: () => ({}),
  lower(context) {
    const { m, fields, parameter, lr: rate, slot, updateSlot, hyper, rest } = context;
    const gradient = coupled(context);
    const square = slot('square');
    const nextSquare = m.add(m.mul(square, hyper('rho')), m.mul(m.square(gradient), rest('rho')));
    updateSlot(square, nextSquare);
    let spread = nextSquare;
    if (flagOf(fields, 'centered')) {
      const mean = slot('mean');
      const nextMean = m.add(mean, m.mul(m.sub(gradient, mean), rest('rho')));
      updateSlot(mean, nextMean);
      // Rounding can take it below 0 where gradients hardly change.
      spread = m.maximum(m.sub(nextSquare, m.square(nextMean)), 0);
    }
    const root = flagOf(fields, 'epsilon_inside')
      ? m.sqrt(m.add(spread, epsilonOf(context)))
      : m.add(m.sqrt(spread), epsilonOf(context));
    const direction = m.div(gradient, root);
    if (numberOf(fields, 'momentum') === 0) return m.sub(parameter, m.mul(direction, rate));
    const early = flagOf(fields, 'lr_in_buffer');
    const buffer = slot('momentum');
    const next = m.add(m.mul(buffer, hyper('momentum')), early ? m.mul(direction, rate) : direction);
    updateSlot(buffer, next);
    return m.sub(parameter, early ? next : m.mul(next, rate));
  },
});
