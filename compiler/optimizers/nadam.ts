/**
 * NAdam (Dozat 2016), in the order of PyTorch's: μₜ = β1 · (1 − ½ · 0.96^(t·ψ));
 * p ← p − lr · (1 − μₜ)/(1 − Πμ) · g/d − lr · μₜ₊₁/(1 − Πμ·μₜ₊₁) · m/d  with  d = √(v/(1 − β2ᵗ)) + ε.
 */
import { flagOf, numberOf } from '../layers/fields';
import { coupled, decoupled } from './decay';
import { defineOptimizer } from './define';
import { coupledDecay, lr } from './fields';
import { betas, decoupledFlag, epsilonOf, idleDecoupled, moments } from './moments';

const MOMENTUM_DECAY = 0.004;

export const nadam = defineOptimizer({
  type: 'nadam',
  summary: 'Adam with Nesterov momentum (Dozat 2016).',
  details:
    "PyTorch's formula; `momentum_decay` is ψ. The product of all μ is a slot of each parameter. Keras has the same momentum schedule with ψ = 0.004 fixed, and lr 0.001.",
  example: '{type: nadam, lr: 0.002}',
  fields: {
    lr: lr(0.002),
    ...betas(),
    momentum_decay: {
      description: 'How fast the momentum rises from half of beta1 to beta1.',
      type: 'number',
      minimum: 0,
      default: MOMENTUM_DECAY,
    },
    decoupled: decoupledFlag,
    ...coupledDecay,
  },
  hypers: ['beta1', 'beta2', 'weight_decay', 'l1'],
  momentum: 'beta1',
  idle: (fields) =>
    numberOf(fields, 'beta1') === 0 && numberOf(fields, 'momentum_decay') !== MOMENTUM_DECAY
      ? { field: 'momentum_decay', why: 'with `beta1: 0` there is no momentum' }
      : idleDecoupled(fields),
  scalars: (fields, t) => {
    const at = (step: number): number =>
      numberOf(fields, 'beta1') * (1 - 0.5 * 0.96 ** (step * numberOf(fields, 'momentum_decay')));
    return {
      momentum: at(t),
      momentum_rest: 1 - at(t),
      momentum_next: at(t + 1),
      correction2: 1 - numberOf(fields, 'beta2') ** t,
    };
  },
  lower(context) {
    const { m, fields, lr: rate, slot, scalar, updateSlot } = context;
    const apart = flagOf(fields, 'decoupled');
    const parameter = apart ? decoupled(context) : context.parameter;
    const gradient = apart ? context.gradient : coupled(context);
    const { mean, square } = moments(context, gradient);
    const product = slot('momentum_product', { shape: [], init: 'ones' });
    const nextProduct = m.mul(product, scalar('momentum'));
    updateSlot(product, nextProduct);
    const denominator = m.add(m.sqrt(m.div(square, scalar('correction2'))), epsilonOf(context));
    const now = m.div(m.mul(rate, scalar('momentum_rest')), m.sub(1, nextProduct));
    const ahead = m.div(m.mul(rate, scalar('momentum_next')), m.sub(1, m.mul(nextProduct, scalar('momentum_next'))));
    const half = m.sub(parameter, m.mul(now, m.div(gradient, denominator)));
    return m.sub(half, m.mul(ahead, m.div(mean, denominator)));
  },
});
