/**
 * Adam, and AdamW with decoupled decay, in the order of PyTorch's single-tensor code:
 * m ← m + (1 − β1)(g − m);  v ← β2·v + (1 − β2)·g²;  p ← p − lr/(1 − β1ᵗ) · m / (√v / √(1 − β2ᵗ) + ε).
 * The two bias corrections come as scalars, computed in float64.
 */
import type { Value } from '../ir/graph';
import { numberOf } from '../layers/fields';
import type { OptimizerContext, OptimizerDef } from './define';
import { defineOptimizer } from './define';
import { fraction, lr, weightDecay } from './fields';

const shared = {
  lr: lr(0.001),
  beta1: fraction('Decay of the running mean of gradients.', 0.9),
  beta2: fraction('Decay of the running mean of squared gradients.', 0.999),
  epsilon: { description: 'Keeps the division finite.', type: 'number', exclusiveMinimum: 0, default: 1e-8 },
};

const scalars: OptimizerDef['scalars'] = (fields, t) => ({
  correction1: 1 - numberOf(fields, 'beta1') ** t,
  correction2_sqrt: Math.sqrt(1 - numberOf(fields, 'beta2') ** t),
});

function step(context: OptimizerContext, parameter: Value, gradient: Value): Value {
  const { b, fields, lr: rate, slot, scalar, updateSlot } = context;
  const mean = slot('mean');
  const square = slot('square');
  const change = b.op('sub', [gradient, mean]);
  const nextMean = b.op('add', [mean, b.op('mul', [change, b.full(1 - numberOf(fields, 'beta1'))])]);
  const kept = b.op('mul', [square, b.full(numberOf(fields, 'beta2'))]);
  const fresh = b.op('mul', [b.op('square', [gradient]), b.full(1 - numberOf(fields, 'beta2'))]);
  const nextSquare = b.op('add', [kept, fresh]);
  updateSlot(mean, nextMean);
  updateSlot(square, nextSquare);
  const deviation = b.op('div', [b.op('sqrt', [nextSquare]), scalar('correction2_sqrt')]);
  const denominator = b.op('add', [deviation, b.full(numberOf(fields, 'epsilon'))]);
  const size = b.op('div', [rate, scalar('correction1')]);
  return b.op('sub', [parameter, b.op('mul', [size, b.op('div', [nextMean, denominator])])]);
}

export const adam = defineOptimizer({
  type: 'adam',
  summary: 'Adam (Kingma and Ba 2015); weight decay is added to the gradient.',
  details: 'For decay that is independent of the gradient, which generalizes better, use `adamw`.',
  example: '{type: adam, lr: 0.001}',
  fields: { ...shared, weight_decay: weightDecay('added to the gradient as weight_decay · p (L2)') },
  scalars,
  lower(context) {
    const { b, parameter, gradient, decay } = context;
    const direction = decay === 0 ? gradient : b.op('add', [gradient, b.op('mul', [parameter, b.full(decay)])]);
    return step(context, parameter, direction);
  },
});

export const adamw = defineOptimizer({
  type: 'adamw',
  summary: 'Adam with decoupled weight decay (Loshchilov and Hutter 2019).',
  details: 'p ← p − lr · weight_decay · p before the Adam step.',
  example: '{type: adamw, lr: 0.001, weight_decay: 0.01}',
  fields: { ...shared, weight_decay: weightDecay('taken off the parameter as lr · weight_decay · p', 0.01) },
  scalars,
  lower(context) {
    const { b, parameter, gradient, decay, lr: rate } = context;
    if (decay === 0) return step(context, parameter, gradient);
    const keep = b.op('sub', [b.full(1), b.op('mul', [rate, b.full(decay)])]);
    return step(context, b.op('mul', [parameter, keep]), gradient);
  },
});
