/**
 * Adam, and AdamW with decoupled decay, in the order of PyTorch's single-tensor code:
 * m ← m + (1 − β1)(g − m);  v ← β2·v + (1 − β2)·g²;  p ← p − lr/(1 − β1ᵗ) · m / (√v / √(1 − β2ᵗ) + ε).
 * The two bias corrections come as scalars, computed in float64.
 */
import type { Value } from '../ir/graph';
import { flag, flagOf, numberOf } from '../layers/fields';
import { coupled, decoupled } from './decay';
import type { OptimizerContext, OptimizerDef } from './define';
import { defineOptimizer } from './define';
import { coupledDecay, decoupledDecay, lr } from './fields';
import { betas, epsilonOf, moments } from './moments';

const shared = {
  lr: lr(0.001),
  ...betas(),
  amsgrad: flag('Divides by the largest √v so far, so that steps never grow again (Reddi et al. 2018).', false),
  epsilon_hat: flag(
    'Adds `epsilon` to the root before its bias is corrected, as Caffe and Keras do: the "ε̂" of the paper.',
    false,
  ),
};

const scalars: OptimizerDef['scalars'] = (fields, t) => ({
  correction1: 1 - numberOf(fields, 'beta1') ** t,
  correction2_sqrt: Math.sqrt(1 - numberOf(fields, 'beta2') ** t),
});

const idle: OptimizerDef['idle'] = (fields) =>
  flagOf(fields, 'epsilon_hat') && numberOf(fields, 'beta2') === 0
    ? { field: 'epsilon_hat', why: 'with `beta2: 0` the root has no bias to correct' }
    : undefined;

export function adamStep(
  context: OptimizerContext,
  parameter: Value,
  gradient: Value,
  rate: Value = context.lr,
): Value {
  const { m, fields, slot, scalar, updateSlot } = context;
  const { mean, square } = moments(context, gradient);
  let largest = square;
  if (flagOf(fields, 'amsgrad')) {
    const before = slot('largest');
    largest = m.maximum(before, square);
    updateSlot(before, largest);
  }
  const size = m.div(rate, scalar('correction1'));
  if (flagOf(fields, 'epsilon_hat')) {
    const denominator = m.add(m.sqrt(largest), epsilonOf(context));
    return m.sub(parameter, m.mul(m.mul(size, scalar('correction2_sqrt')), m.div(mean, denominator)));
  }
  const denominator = m.add(m.div(m.sqrt(largest), scalar('correction2_sqrt')), epsilonOf(context));
  return m.sub(parameter, m.mul(size, m.div(mean, denominator)));
}

export const adam = defineOptimizer({
  type: 'adam',
  summary: 'Adam (Kingma and Ba 2015); weight decay is added to the gradient.',
  details:
    "For decay that is independent of the gradient, which generalizes better, use `adamw`. PyTorch's formula; Caffe and Keras differ in where epsilon is added: `epsilon_hat: true`.",
  example: '{type: adam, lr: 0.001}',
  fields: { ...shared, ...coupledDecay },
  hypers: ['beta1', 'beta2', 'weight_decay', 'l1'],
  momentum: 'beta1',
  idle,
  scalars,
  lower: (context) => adamStep(context, context.parameter, coupled(context)),
});

export const adamw = defineOptimizer({
  type: 'adamw',
  summary: 'Adam with decoupled weight decay (Loshchilov and Hutter 2019).',
  details: 'p ← p − lr · (weight_decay · p + l1 · sign(p)) before the Adam step.',
  example: '{type: adamw, lr: 0.001, weight_decay: 0.01}',
  fields: { ...shared, ...decoupledDecay(0.01) },
  hypers: ['beta1', 'beta2', 'weight_decay', 'l1'],
  momentum: 'beta1',
  idle,
  scalars,
  lower: (context) => adamStep(context, decoupled(context), context.gradient),
});
