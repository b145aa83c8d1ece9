/**
 * RAdam (Liu et al. 2020), in the order of PyTorch's: as long as the variance of v is unbounded (ρₜ ≤ 5) a step with
 * momentum alone, p ← p − lr · m̂; then p ← p − lr · m̂ · rₜ · √(1 − β2ᵗ) / (√v + ε).
 */
import type { Fields } from '../frontend/spec';
import { flag, flagOf, numberOf } from '../layers/fields';
import { coupled, decoupled } from './decay';
import { defineOptimizer } from './define';
import { coupledDecay, lr } from './fields';
import { betas, DECOUPLED, epsilonOf, moments } from './moments';

/** rₜ, or 0 where the step has momentum alone. */
function rectification(fields: Fields, t: number): number {
  const beta2 = numberOf(fields, 'beta2');
  const most = 2 / (1 - beta2) - 1;
  const rho = most - (2 * t * beta2 ** t) / (1 - beta2 ** t);
  return rho > 5 ? Math.sqrt(((rho - 4) * (rho - 2) * most) / ((most - 4) * (most - 2) * rho)) : 0;
}

export const radam = defineOptimizer({
  type: 'radam',
  summary: 'Adam whose first steps are not scaled by a variance that is not known yet (Liu et al. 2020).',
  details: "PyTorch's formula. It takes the place of a warm-up.",
  example: '{type: radam, lr: 0.001}',
  fields: { lr: lr(0.001), ...betas(), decoupled: flag(DECOUPLED, false), ...coupledDecay },
  hypers: ['beta1', 'beta2', 'weight_decay', 'l1'],
  momentum: 'beta1',
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
