/**
 * Stochastic gradient descent with momentum, in the order of PyTorch's SGD:
 * g ← g + decay·p;  buf ← momentum·buf + (1 − dampening)·g;  p ← p − lr·(nesterov ? g + momentum·buf : buf).
 */
import { flag, flagOf, numberOf } from '../layers/fields';
import { defineOptimizer } from './define';
import { fraction, lr, weightDecay } from './fields';

export const sgd = defineOptimizer({
  type: 'sgd',
  summary: 'Stochastic gradient descent, with momentum and Nesterov momentum.',
  details:
    "PyTorch's formula: the momentum buffer holds gradients, so that a drop of the learning rate acts at once. (In Caffe it holds steps: the learning rate of earlier steps lives on in them.)",
  example: '{type: sgd, lr: 0.01, momentum: 0.9, weight_decay: 5.0e-4}',
  fields: {
    lr: lr(),
    momentum: fraction('Share of the buffer that is kept in each step.', 0),
    dampening: { description: 'Takes this share off the gradients that enter the buffer.', type: 'number', default: 0 },
    nesterov: flag('Look ahead along the buffer (needs momentum).', false),
    weight_decay: weightDecay('added to the gradient as weight_decay · p (L2)'),
  },
  required: ['lr'],
  idle: (fields) => {
    if (numberOf(fields, 'momentum') === 0) {
      if (flagOf(fields, 'nesterov')) return { field: 'nesterov', why: 'Nesterov momentum needs momentum' };
      if (numberOf(fields, 'dampening') !== 0) return { field: 'dampening', why: 'dampening needs momentum' };
    }
    return undefined;
  },
  // The buffer starts as the whole first gradient, as in PyTorch, so dampening acts from the second step on.
  scalars: (fields, t) => (isDamped(fields) ? { gain: t === 1 ? 1 : 1 - numberOf(fields, 'dampening') } : {}),
  lower({ b, fields, parameter, gradient, lr: rate, decay, slot, scalar, updateSlot }) {
    const momentum = numberOf(fields, 'momentum');
    let direction = gradient;
    if (decay !== 0) direction = b.op('add', [direction, b.op('mul', [parameter, b.full(decay)])]);
    if (momentum !== 0) {
      const buffer = slot('momentum');
      const entering = isDamped(fields) ? b.op('mul', [direction, scalar('gain')]) : direction;
      const next = b.op('add', [b.op('mul', [buffer, b.full(momentum)]), entering]);
      updateSlot(buffer, next);
      direction = flagOf(fields, 'nesterov') ? b.op('add', [direction, b.op('mul', [next, b.full(momentum)])]) : next;
    }
    return b.op('sub', [parameter, b.op('mul', [direction, rate])]);
  },
});

function isDamped(fields: Parameters<typeof numberOf>[0]): boolean {
  return numberOf(fields, 'momentum') !== 0 && numberOf(fields, 'dampening') !== 0;
}
