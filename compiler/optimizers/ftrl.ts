/**
 * FTRL-proximal (McMahan et al. 2013), as Keras and TensorFlow have it, with q(n) = n^(−power):
 * n' = n + g²;  z ← z + g' − (q(n') − q(n))/lr · p;  p ← (clip(z, ±l1) − z) / (q(n')/lr + weight_decay + beta/lr).
 */
import { numberOf } from '../layers/fields';
import type { Value } from '../ir/graph';
import { l1Of, weightDecayOf } from './decay';
import { defineOptimizer } from './define';
import { l1, lr, weightDecay } from './fields';

/** Divides by the learning rate, which a schedule may take to 0. */
const LEAST_RATE = 1e-12;

const INITIAL = 0.1;

export const ftrl = defineOptimizer({
  type: 'ftrl',
  summary: 'Follow the regularized leader, for sparse linear models (McMahan et al. 2013).',
  details:
    "Keras's formula. Its l1_regularization_strength is `l1`, twice its l2_regularization_strength is `weight_decay` and twice its l2_shrinkage is `shrinkage`. Weights are made anew from the sums of gradients in each step: what they were drawn as is soon forgotten, and with `l1` many are exactly 0.",
  example: '{type: ftrl, lr: 0.05, l1: 0.01}',
  fields: {
    lr: { ...lr(0.001), exclusiveMinimum: 0 },
    power: {
      description: 'How the rate falls with the sum of squared gradients: sum^power; 0 is a constant rate.',
      type: 'number',
      maximum: 0,
      default: -0.5,
    },
    initial: { description: 'Where the sums of squares start.', type: 'number', exclusiveMinimum: 0, default: INITIAL },
    beta: {
      description: 'Added to the root of the sums: steadier rates at the start.',
      type: 'number',
      minimum: 0,
      default: 0,
    },
    shrinkage: {
      description: 'Adds shrinkage · p to the gradient in the sums, not in their squares.',
      type: 'number',
      minimum: 0,
      default: 0,
    },
    weight_decay: weightDecay('of the weights in each step (L2)'),
    l1: l1('of the weights in each step: sums smaller than it give 0'),
  },
  idle: (fields) =>
    numberOf(fields, 'power') === 0 && numberOf(fields, 'initial') !== INITIAL
      ? { field: 'initial', why: 'with `power: 0` the sums of squares have no effect' }
      : undefined,
  hypers: ['weight_decay', 'l1'],
  scalars: () => ({}),
  lower(context) {
    const { m, fields, parameter, gradient, lr, slot, updateSlot } = context;
    const rate = m.maximum(lr, LEAST_RATE);
    const squares = slot('square', { init: { type: 'constant', value: numberOf(fields, 'initial') } });
    const linear = slot('linear');
    const nextSquares = m.add(squares, m.square(gradient));
    const power = numberOf(fields, 'power');
    const slowed = (n: Value): Value => (power === -0.5 ? m.sqrt(n) : m.pow(n, -power));
    const shrinkage = numberOf(fields, 'shrinkage');
    const bent = shrinkage === 0 ? gradient : m.add(gradient, m.mul(parameter, shrinkage));
    const sigma = m.div(m.sub(slowed(nextSquares), slowed(squares)), rate);
    const nextLinear = m.sub(m.add(linear, bent), m.mul(sigma, parameter));
    updateSlot(squares, nextSquares);
    updateSlot(linear, nextLinear);
    const l2 = weightDecayOf(context);
    const steep = m.div(m.add(slowed(nextSquares), numberOf(fields, 'beta')), rate);
    const bound = l1Of(context);
    const kept = bound ? m.sub(m.maximum(m.minimum(nextLinear, bound), m.neg(bound)), nextLinear) : m.neg(nextLinear);
    return m.div(kept, l2 ? m.add(steep, l2) : steep);
  },
});
