/**
 * What pulls parameters towards zero, beside the gradient: `weight_decay` (L2) and `l1`. Coupled, they are added to the
 * gradient; decoupled, they are taken off the parameter before the step, past what the algorithm does to gradients.
 */
import type { Value } from '../ir/graph';
import { numberOf } from '../layers/fields';
import type { OptimizerContext } from './define';

/** The coefficient for this parameter, or undefined where it is 0. */
function coefficient({ m, fields, decay, hyper }: OptimizerContext, field: string): Value | undefined {
  if (numberOf(fields, field) === 0 || decay === 0) return undefined;
  return decay === 1 ? hyper(field) : m.mul(hyper(field), decay);
}

/** g + l1 · sign(p) + weight_decay · p, where g is the gradient. */
export function coupled(context: OptimizerContext): Value {
  return addDecay(context, context.gradient);
}

/** The same for any direction. */
export function addDecay(context: OptimizerContext, direction: Value): Value {
  const { m, parameter } = context;
  const l1 = coefficient(context, 'l1');
  const l2 = coefficient(context, 'weight_decay');
  const bent = l1 ? m.add(direction, m.mul(m.sign(parameter), l1)) : direction;
  return l2 ? m.add(bent, m.mul(parameter, l2)) : bent;
}

/** p · (1 − lr · weight_decay) − lr · l1 · sign(p). */
export function decoupled(context: OptimizerContext, lr: Value = context.lr): Value {
  const { m, parameter } = context;
  const l1 = coefficient(context, 'l1');
  const l2 = coefficient(context, 'weight_decay');
  const kept = l2 ? m.mul(parameter, m.sub(1, m.mul(lr, l2))) : parameter;
  return l1 ? m.sub(kept, m.mul(m.sign(parameter), m.mul(lr, l1))) : kept;
}

/** The weight decay of this parameter alone, for algorithms that use it in a way of their own. */
export function weightDecayOf(context: OptimizerContext): Value | undefined {
  return coefficient(context, 'weight_decay');
}

/** The L1 coefficient of this parameter alone. */
export function l1Of(context: OptimizerContext): Value | undefined {
  return coefficient(context, 'l1');
}
