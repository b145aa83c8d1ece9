/**
 * Adafactor (Shazeer and Stern 2018), in the order of PyTorch's. Second moments of matrices are kept as a row and a
 * column: r ← r + w·(mean of g² along the last axis − r), c likewise along the axis before, w = t^beta2_decay;
 * v = r·c / mean(r);  u = g / max(√v, ε1), divided by max(1, rms(u) / clip);
 * p ← p·(1 − lr·weight_decay) − max(ε2, rms(p)) · min(lr, 1/√t) · u.
 */
import type { Value } from '../ir/graph';
import { elementCount } from '../ir/types';
import { flag, flagOf, numberOf } from '../layers/fields';
import { decoupled } from './decay';
import { defineOptimizer, type OptimizerContext } from './define';
import { decoupledDecay, lr } from './fields';
import { normOf } from './trust';

export const adafactor = defineOptimizer({
  type: 'adafactor',
  summary:
    'Adaptive steps with hardly any memory: one row and one column in place of second moments (Shazeer and Stern 2018).',
  details:
    "PyTorch's formula: no momentum; tensors of rank 2 and more are factored over their last two axes; a step is at most `lr` and 1/√t, times the root mean square of the weights. Keras has `epsilon1: 1.0e-30` and lr 0.001.",
  example: '{type: adafactor, lr: 0.01}',
  fields: {
    lr: lr(0.01),
    beta2_decay: {
      description: 'The running means take t^beta2_decay of what is new at step t.',
      type: 'number',
      maximum: 0,
      default: -0.8,
    },
    epsilon1: {
      description: 'Least root of a second moment.',
      type: 'number',
      exclusiveMinimum: 0,
      default: 2 ** -23,
    },
    epsilon2: {
      description: 'Least root mean square of weights that steps are scaled by.',
      type: 'number',
      minimum: 0,
      default: 1e-3,
    },
    clip: {
      description: 'Steps whose root mean square is greater are scaled back to it, before the rate.',
      type: 'number',
      exclusiveMinimum: 0,
      default: 1,
    },
    relative_step: flag('The rate is at most 1/√t; otherwise it is `lr` by its schedule alone.', true),
    scale_parameter: flag('Scales steps by the root mean square of the weights.', true),
    ...decoupledDecay(0),
  },
  hypers: ['weight_decay', 'l1'],
  idle: (fields) =>
    !flagOf(fields, 'scale_parameter') && numberOf(fields, 'epsilon2') !== 1e-3
      ? { field: 'epsilon2', why: 'it bounds what `scale_parameter` scales by' }
      : undefined,
  scalars: (fields, t) => ({
    fresh: t ** numberOf(fields, 'beta2_decay'),
    ...(flagOf(fields, 'relative_step') ? { most: 1 / Math.sqrt(t) } : {}),
  }),
  lower(context) {
    const { m, fields, parameter, gradient, lr: rate, scalar } = context;
    const least = numberOf(fields, 'epsilon1');
    const update = m.mul(gradient, m.rsqrt(m.maximum(secondMoment(context, least), least * least)));
    const size = flagOf(fields, 'relative_step') ? m.minimum(rate, scalar('most')) : rate;
    const step = flagOf(fields, 'scale_parameter')
      ? m.mul(m.maximum(rms(context, parameter), numberOf(fields, 'epsilon2')), size)
      : size;
    const shrink = m.maximum(m.div(rms(context, update), numberOf(fields, 'clip')), 1);
    return m.sub(decoupled(context), m.mul(update, m.div(step, shrink)));
  },
});

function rms(context: OptimizerContext, x: Value): Value {
  return context.m.div(normOf(context, x), Math.sqrt(elementCount(x.type.shape)));
}

function secondMoment(context: OptimizerContext, least: number): Value {
  const { b, m, gradient, slot, scalar, updateSlot } = context;
  const { shape } = gradient.type;
  const squares = m.square(gradient);
  const follow = (name: string, of: Value): Value => {
    const before = slot(name, { shape: of.type.shape });
    const next = m.add(before, m.mul(m.sub(of, before), scalar('fresh')));
    updateSlot(before, next);
    return next;
  };
  if (shape.length < 2) return follow('square', squares);
  const mean = (x: Value, axis: number): Value =>
    m.div(b.op('reduce_sum', [x], { axes: [axis], keepdims: true }), x.type.shape[axis] ?? 1);
  const [rows, columns] = [shape.length - 2, shape.length - 1];
  const row = follow('row', mean(squares, columns));
  const column = follow('column', mean(squares, rows));
  return m.div(m.mul(row, column), m.maximum(mean(row, rows), least));
}
