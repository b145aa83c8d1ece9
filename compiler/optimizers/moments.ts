/** The running means of gradients and their squares that Adam and its relatives keep, and their fields. */
import type { FieldSchema } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import type { Value } from '../ir/graph';
import { flag, flagOf, numberOf } from '../layers/fields';
import type { OptimizerContext, OptimizerDef } from './define';
import { epsilon, fraction } from './fields';

export const betas = (beta1 = 0.9, beta2 = 0.999, eps = 1e-8): Readonly<Record<string, FieldSchema>> => ({
  beta1: fraction('Decay of the running mean of gradients.', beta1),
  beta2: fraction('Decay of the running mean of squared gradients.', beta2),
  epsilon: epsilon(eps),
});

/** m ← m + (1 − β1)(g − m), in PyTorch's order. */
export function meanOf({ m, slot, updateSlot, rest }: OptimizerContext, gradient: Value): Value {
  const mean = slot('mean');
  const next = m.add(mean, m.mul(m.sub(gradient, mean), rest('beta1')));
  updateSlot(mean, next);
  return next;
}

/** m as above and v ← β2·v + (1 − β2)·g². */
export function moments(context: OptimizerContext, gradient: Value): { readonly mean: Value; readonly square: Value } {
  const { m, slot, updateSlot, hyper, rest } = context;
  const mean = meanOf(context, gradient);
  const square = slot('square');
  const next = m.add(m.mul(square, hyper('beta2')), m.mul(m.square(gradient), rest('beta2')));
  updateSlot(square, next);
  return { mean, square: next };
}

export function epsilonOf({ m, fields }: OptimizerContext): Value {
  return m.value(numberOf(fields, 'epsilon'));
}

/** The field of optimizers that have both. */
export const decoupledFlag = flag(
  'Takes weight_decay · p and l1 · sign(p) off the parameter, times lr, rather than adding them to the gradient.',
  false,
);

/** That field where there is nothing to take off. */
export function idleDecoupled(fields: Fields): ReturnType<NonNullable<OptimizerDef['idle']>> {
  return flagOf(fields, 'decoupled') && numberOf(fields, 'weight_decay') === 0 && numberOf(fields, 'l1') === 0
    ? { field: 'decoupled', why: 'it needs `weight_decay` or `l1`' }
    : undefined;
}
