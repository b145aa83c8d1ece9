/**
 * Adadelta (Zeiler 2012), in the order of PyTorch's: v ← ρ·v + (1 − ρ)·g²;  d = √(a + ε) / √(v + ε) · g;
 * a ← ρ·a + (1 − ρ)·d²;  p ← p − lr·d.
 */
import { coupled } from './decay';
import { defineOptimizer } from './define';
import { coupledDecay, epsilon, fraction, lr } from './fields';
import { epsilonOf } from './moments';

export const adadelta = defineOptimizer({
  type: 'adadelta',
  summary: 'Steps as large as the running mean of earlier steps (Zeiler 2012); needs no learning rate.',
  details:
    "PyTorch's formula, which is Caffe's too (there `momentum` is rho and `delta` epsilon). Keras has `lr: 0.001, rho: 0.95, epsilon: 1.0e-7`.",
  example: '{type: adadelta, rho: 0.95}',
  fields: {
    lr: lr(1),
    rho: fraction('Decay of the two running means.', 0.9),
    epsilon: epsilon(1e-6, 'Added under both roots: how large the first steps are.'),
    ...coupledDecay,
  },
  hypers: ['rho', 'weight_decay', 'l1'],
  scalars: () => ({}),
  lower(context) {
    const { m, parameter, lr: rate, slot, updateSlot, hyper, rest } = context;
    const gradient = coupled(context);
    const square = slot('square');
    const steps = slot('step_square');
    const nextSquare = m.add(m.mul(square, hyper('rho')), m.mul(m.square(gradient), rest('rho')));
    const ratio = m.div(m.sqrt(m.add(steps, epsilonOf(context))), m.sqrt(m.add(nextSquare, epsilonOf(context))));
    const step = m.mul(ratio, gradient);
    updateSlot(square, nextSquare);
    updateSlot(steps, m.add(m.mul(steps, hyper('rho')), m.mul(m.square(step), rest('rho'))));
    return m.sub(parameter, m.mul(step, rate));
  },
});
