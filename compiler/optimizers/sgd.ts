/**
 * Stochastic gradient descent with momentum, in the order of PyTorch's SGD:
 * g ← g + decay·p;  buf ← momentum·buf + (1 − dampening)·g;  p ← p − lr·(nesterov ? g + momentum·buf : buf).
 * With the learning rate in the buffer: buf ← momentum·buf + lr·g;  p ← p − (nesterov ? lr·g + momentum·buf : buf).
 */
import type { Fields } from '../frontend/spec';
import { flag, flagOf, numberOf } from '../layers/fields';
import type { Value } from '../ir/graph';
import { coupled } from './decay';
import { defineOptimizer, type OptimizerContext } from './define';
import { coupledDecay, fraction, lr, lrInBuffer } from './fields';

const MOMENTUM = 'Share of the buffer that is kept in each step.';

export const sgd = defineOptimizer({
  type: 'sgd',
  summary: 'Stochastic gradient descent, with momentum and Nesterov momentum.',
  details:
    "PyTorch's formula: the momentum buffer holds gradients, so that a drop of the learning rate acts at once. In Caffe and Keras it holds steps, and the learning rate of earlier steps lives on in them: `lr_in_buffer: true`. With a constant rate both are the same.",
  example: '{type: sgd, lr: 0.01, momentum: 0.9, weight_decay: 5.0e-4}',
  fields: {
    lr: lr(),
    momentum: fraction(MOMENTUM, 0),
    dampening: {
      description: 'Takes this share off the gradients that enter the buffer, from the second step on.',
      type: 'number',
      default: 0,
    },
    nesterov: flag('Look ahead along the buffer (needs momentum).', false),
    lr_in_buffer: lrInBuffer,
    ...coupledDecay,
  },
  required: ['lr'],
  hypers: ['momentum', 'weight_decay', 'l1'],
  momentum: 'momentum',
  idle: (fields) => {
    if (numberOf(fields, 'momentum') === 0) {
      if (flagOf(fields, 'nesterov')) return { field: 'nesterov', why: 'Nesterov momentum needs momentum' };
      if (numberOf(fields, 'dampening') !== 0) return { field: 'dampening', why: 'dampening needs momentum' };
      if (flagOf(fields, 'lr_in_buffer')) return { field: 'lr_in_buffer', why: 'there is no buffer without momentum' };
    }
    return undefined;
  },
  // The buffer starts as the whole first gradient, as in PyTorch, so dampening acts from the second step on.
  scalars: (fields, t) => (isDamped(fields) ? { gain: t === 1 ? 1 : 1 - numberOf(fields, 'dampening') } : {}),
  lower(context) {
    const { m, fields, parameter, lr: rate, scalar } = context;
    if (numberOf(fields, 'momentum') === 0) return m.sub(parameter, m.mul(coupled(context), rate));
    return descend(context, flagOf(fields, 'nesterov'), isDamped(fields) ? scalar('gain') : undefined);
  },
});

export const nesterov = defineOptimizer({
  type: 'nesterov',
  summary: 'Gradient descent with Nesterov momentum: `sgd` with `nesterov: true`, under the name it has in Caffe.',
  details:
    "buf ← momentum·buf + g; p ← p − lr·(g + momentum·buf), Sutskever et al. 2013 as PyTorch writes it. Caffe's solver has the learning rate in the buffer: `lr_in_buffer: true`.",
  example: '{type: nesterov, lr: 0.01, momentum: 0.9, weight_decay: 5.0e-4}',
  fields: {
    lr: lr(),
    momentum: { ...fraction(MOMENTUM, 0.9), exclusiveMinimum: 0 },
    lr_in_buffer: lrInBuffer,
    ...coupledDecay,
  },
  required: ['lr'],
  hypers: ['momentum', 'weight_decay', 'l1'],
  momentum: 'momentum',
  scalars: () => ({}),
  lower: (context) => descend(context, true),
});

function descend(context: OptimizerContext, ahead: boolean, gain?: Value): Value {
  const { m, fields, parameter, lr: rate, slot, updateSlot, hyper } = context;
  const early = flagOf(fields, 'lr_in_buffer');
  const gradient = coupled(context);
  const step = early ? m.mul(gradient, rate) : gradient;
  const buffer = slot('momentum');
  const next = m.add(m.mul(buffer, hyper('momentum')), gain ? m.mul(step, gain) : step);
  updateSlot(buffer, next);
  const direction = ahead ? m.add(step, m.mul(next, hyper('momentum'))) : next;
  return m.sub(parameter, early ? direction : m.mul(direction, rate));
}

function isDamped(fields: Fields): boolean {
  return numberOf(fields, 'momentum') !== 0 && numberOf(fields, 'dampening') !== 0;
}
