/** Optimizers that scale the step of each tensor to the norm of the tensor: LARS on momentum, LAMB on Adam. */
import type { Value } from '../ir/graph';
import { flag, flagOf, numberOf } from '../layers/fields';
import { addDecay, weightDecayOf } from './decay';
import { defineOptimizer, type OptimizerContext } from './define';
import { fraction, lr, l1, weightDecay } from './fields';
import { betas, epsilonOf, moments } from './moments';

/** ‖x‖ over all elements, f32[]. */
export function normOf({ b, m }: OptimizerContext, x: Value): Value {
  const axes = x.type.shape.map((_, axis) => axis);
  return m.sqrt(axes.length === 0 ? m.square(x) : b.op('reduce_sum', [m.square(x)], { axes, keepdims: false }));
}

/** a / b where both are positive, else 1. */
function ratioOr1({ m }: OptimizerContext, a: Value, b: Value): Value {
  const both = m.and(m.greater(a, 0), m.greater(b, 0));
  return m.where(both, m.div(a, m.where(both, b, 1)), 1);
}

const scaled = (description: string) => flag(description, false);

export const lamb = defineOptimizer({
  type: 'lamb',
  summary: 'Adam with steps as large as the weights they change, for very large batches (You et al. 2020).',
  details:
    "r = m̂ / (√v̂ + ε) + weight_decay · p + l1 · sign(p); p ← p − lr · ‖p‖/‖r‖ · r, with the ratio 1 where a norm is 0. The paper's algorithm with the identity for φ; Keras's too.",
  example: '{type: lamb, lr: 0.002, weight_decay: 0.01}',
  fields: {
    lr: lr(0.001),
    ...betas(0.9, 0.999, 1e-6),
    scale_vectors: scaled(
      'Scales vectors (biases, norms) too, as the paper does; otherwise only tensors of rank 2 and more.',
    ),
    weight_decay: weightDecay('added to the step as weight_decay · p before it is scaled', 0.01),
    l1: l1('added to the step as l1 · sign(p) before it is scaled'),
  },
  hypers: ['beta1', 'beta2', 'weight_decay', 'l1'],
  momentum: 'beta1',
  scalars: (fields, t) => ({
    correction1: 1 - numberOf(fields, 'beta1') ** t,
    correction2: 1 - numberOf(fields, 'beta2') ** t,
  }),
  lower(context) {
    const { m, fields, parameter, gradient, lr: rate, scalar } = context;
    const { mean, square } = moments(context, gradient);
    const root = m.add(m.sqrt(m.div(square, scalar('correction2'))), epsilonOf(context));
    const step = addDecay(context, m.div(m.div(mean, scalar('correction1')), root));
    if (!isScaled(context, flagOf(fields, 'scale_vectors'))) return m.sub(parameter, m.mul(step, rate));
    const trust = ratioOr1(context, normOf(context, parameter), normOf(context, step));
    return m.sub(parameter, m.mul(step, m.mul(rate, trust)));
  },
});

export const lars = defineOptimizer({
  type: 'lars',
  summary: 'Momentum with a rate for each tensor, as large as its weights are beside its gradients (You et al. 2017).',
  details:
    'local = trust · ‖p‖ / (‖g‖ + weight_decay · ‖p‖ + ε); buf ← momentum · buf + lr · local · (g + weight_decay · p + l1 · sign(p)); p ← p − buf, with local = 1 where a norm is 0. The learning rate is in the buffer, as in the paper.',
  example: '{type: lars, lr: 1.0, momentum: 0.9, weight_decay: 1.0e-4}',
  fields: {
    lr: lr(),
    momentum: fraction('Share of the buffer that is kept in each step.', 0.9),
    trust: {
      description: "How large a step is beside the weights: the paper's η.",
      type: 'number',
      exclusiveMinimum: 0,
      default: 0.001,
    },
    epsilon: { description: 'Keeps the division finite.', type: 'number', minimum: 0, default: 1e-9 },
    scale_vectors: scaled('Scales vectors (biases, norms) too; otherwise only tensors of rank 2 and more.'),
    weight_decay: weightDecay('added to the gradient as weight_decay · p before it is scaled'),
    l1: l1('added to the gradient as l1 · sign(p) before it is scaled'),
  },
  required: ['lr'],
  hypers: ['momentum', 'weight_decay', 'l1'],
  momentum: 'momentum',
  scalars: () => ({}),
  lower(context) {
    const { m, fields, parameter, gradient, lr: rate, slot, updateSlot, hyper } = context;
    let size = rate;
    if (isScaled(context, flagOf(fields, 'scale_vectors'))) {
      const weights = normOf(context, parameter);
      const steps = normOf(context, gradient);
      const l2 = weightDecayOf(context);
      const beside = m.add(l2 ? m.add(steps, m.mul(weights, l2)) : steps, epsilonOf(context));
      const both = m.and(m.greater(weights, 0), m.greater(steps, 0));
      const local = m.mul(m.div(weights, m.where(both, beside, 1)), numberOf(fields, 'trust'));
      size = m.mul(rate, m.where(both, local, 1));
    }
    const buffer = slot('momentum');
    const next = m.add(m.mul(buffer, hyper('momentum')), m.mul(addDecay(context, gradient), size));
    updateSlot(buffer, next);
    return m.sub(parameter, next);
  },
});

function isScaled({ parameter }: OptimizerContext, vectors: boolean): boolean {
  return vectors || parameter.type.shape.length > 1;
}
