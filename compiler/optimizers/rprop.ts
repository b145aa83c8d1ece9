/**
 * Resilient propagation (Riedmiller and Braun 1993), in the order of PyTorch's. Each weight has a step size, which grows
 * while the sign of its gradient stays and shrinks when it turns; then the gradient counts as 0 for this step.
 */
import { numberOf } from '../layers/fields';
import { coupled } from './decay';
import { defineOptimizer } from './define';
import { coupledDecay, lr } from './fields';

export const rprop = defineOptimizer({
  type: 'rprop',
  summary: 'Steps by the signs of gradients alone, each weight with a step size of its own; for full batches.',
  details:
    'Riedmiller and Braun 1993 as PyTorch has it. `lr` is the first step size; later ones follow from the signs, so that there can be no schedule. With small batches signs turn by chance, and steps die out.',
  example: '{type: rprop, lr: 0.01}',
  fields: {
    lr: lr(0.01),
    shrink: {
      description: 'Factor on the step size where the sign turns.',
      type: 'number',
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      default: 0.5,
    },
    grow: { description: 'Factor where it stays.', type: 'number', exclusiveMinimum: 1, default: 1.2 },
    least: { description: 'Smallest step size.', type: 'number', exclusiveMinimum: 0, default: 1e-6 },
    most: { description: 'Largest step size.', type: 'number', exclusiveMinimum: 0, default: 50 },
    ...coupledDecay,
  },
  hypers: ['weight_decay', 'l1'],
  ratesOnce: true,
  idle: (fields) =>
    numberOf(fields, 'least') > numberOf(fields, 'most')
      ? { field: 'least', why: 'the smallest step size is greater than `most`, the largest' }
      : undefined,
  scalars: (_fields, t) => ({ first: t === 1 ? 1 : 0 }),
  lower(context) {
    const { m, fields, parameter, lr: rate, slot, scalar, updateSlot } = context;
    const gradient = coupled(context);
    const before = slot('gradient');
    const sizes = slot('step_size');
    const began = m.where(m.greater(scalar('first'), 0), rate, sizes);
    const turn = m.mul(m.sign(gradient), m.sign(before));
    const stays = m.greater(turn, 0);
    const turns = m.greater(0, turn);
    const factor = m.where(stays, numberOf(fields, 'grow'), m.where(turns, numberOf(fields, 'shrink'), 1));
    const next = m.minimum(m.maximum(m.mul(began, factor), numberOf(fields, 'least')), numberOf(fields, 'most'));
    const counted = m.where(turns, 0, gradient);
    updateSlot(before, counted);
    updateSlot(sizes, next);
    return m.sub(parameter, m.mul(m.sign(counted), next));
  },
});
