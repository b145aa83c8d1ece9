/**
 * RAdam (Liu et al. 2020), in the order of PyTorch's: as long as the variance of v is unbounded (ρₜ ≤ 5) a step with
 * momentum alone, p ← p − lr · m̂; then p ← p − lr · m̂ · rₜ · √(1 − β2ᵗ) / (√v + ε).
 */
import type { Fields } from '../frontend/spec';
import { flagOf, numberOf } from '../layers/fields';
import { coupled, decoupled } from './decay';
import { defineOptimizer } from './define';
import { coupledDecay, lr } from './fields';
import { betas, decoupledFlag, epsilonOf, idleDecoupled, moments } from './moments';

const EPSILON = 1e-8;

/** ρ from which on the variance of v is known. */
const KNOWN = 5;

/** The limit of ρ. */
const mostKnown = (fields: Fields): number => 2 / (1 - numberOf(fields, 'beta2')) - 1;

/** rₜ, or 0 where the step has momentum alone. */
function rectification(fields: Fields, t: number): number {
  const beta2 = numberOf(fields, 'beta2');
  const most = mostKnown(fields);
  const rho = most - (2 * t * beta2 ** t) / (1 - beta2 ** t);
  return rho > KNOWN ? Math.sqrt(((rho - 4) * (rho - 2) * most) / ((most - 4) * (most - 2) * rho)) : 0;
}

export const radam = defineOptimizer({
  type: 'radam',
  summary: 'Adam whose first steps are not scaled by a variance that is not known yet (Liu et al. 2020).',
  details: "PyTorch's formula. It takes the place of a warm-up.",
  example: '{type: radam, lr: 0.001}',
  fields: { lr: lr(0.001), ...betas(0.9, 0.999, EPSILON), decoupled: decoupledFlag, ...coupledDecay },
  hypers: ['beta1', 'beta2', 'weight_decay', 'l1'],
  momentum: 'beta1',
  idle: (fields) =>
    mostKnown(fields) <= KNOWN && numberOf(fields, 'epsilon') !== EPSILON
      ? { field: 'epsilon', why: 'with a `beta2` of ⅔ or less no step is ever divided by the root' }
      : idleDecoupled(fields),
  scalars: (fields, t) => ({
    correction1: 1 - numberOf(fields, 'beta1') ** t,
    scale: rectification(fields, t) * Math.sqrt(1 - numberOf(fields, 'beta2') ** t),
  }),
  lower(context) {
    const { m, fields, lr: rate, scalar } = context;
    const apart = flagOf(fields, 'decoupled');
    const parameter = apart ? decoupled(context) : context.parameter;
    const { mean, square } = moments(context, apart ? context.gradient : coupled(context));
    const adaptive = m.div(scalar('scale'), m.add(m.sqrt(square), epsilonOf(context)));
    const factor = m.where(m.greater(scalar('scale'), 0), adaptive, 1);
    return m.sub(parameter, m.mul(m.mul(m.div(mean, scalar('correction1')), rate), factor));
  },
});
