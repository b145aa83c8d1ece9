/**
 * Muon (Jordan et al. 2024), in the order of PyTorch's: buf ← buf + (1 − momentum)(g − buf);
 * u = g + momentum · (buf − g);  p ← p·(1 − lr·weight_decay) − lr · f(shape) · O, where O is u with its singular values
 * near 1, by a quintic Newton–Schulz iteration: X ← a·X + (b·A + c·A²)·X with A = X·Xᵀ, from X = u/‖u‖.
 * What is no matrix is AdamW's.
 */
import type { FieldSchema } from '../frontend/describe';
import type { Fields } from '../frontend/spec';
import type { Value } from '../ir/graph';
import type { Shape } from '../ir/types';
import { elementCount } from '../ir/types';
import { flag, flagOf, numberOf, numbersOf, wordOf } from '../layers/fields';
import { reshapeTo } from '../ops/families/arithmetic';
import { adamStep } from './adam';
import { decoupled } from './decay';
import { defineOptimizer, type OptimizerContext } from './define';
import { decoupledDecay, epsilon, fraction, lr } from './fields';
import { normOf } from './trust';

/** AdamW's fields have a name of their own here. */
const adamName = (field: string): string =>
  field.startsWith('beta') || field === 'epsilon' ? `adamw_${field}` : field;

const ADAMW: Readonly<Record<string, FieldSchema>> = {
  adamw_beta1: fraction("Decay of AdamW's running mean of gradients.", 0.9),
  adamw_beta2: fraction("Decay of AdamW's running mean of squared gradients.", 0.999),
  adamw_epsilon: epsilon(1e-8, "Keeps AdamW's division finite."),
};

export const muon = defineOptimizer({
  type: 'muon',
  summary: 'Momentum whose steps are made orthogonal, for matrices; AdamW for everything else (Jordan et al. 2024).',
  details:
    'torch.optim.Muon for tensors of rank 2, with the iteration in float32, where PyTorch has bfloat16. Embeddings and the last layer are better left to AdamW: give them a group with an optimizer of their own.',
  example: '{type: muon, lr: 0.02, adamw_lr: 3.0e-4, weight_decay: 0.1}',
  fields: {
    lr: lr(0.001),
    momentum: fraction('Decay of the running mean of gradients.', 0.95),
    nesterov: flag('Looks ahead along the running mean.', true),
    filters: flag('Takes filters of convolutions for matrices too: units × everything else.', false),
    adjust_lr: {
      description:
        'Factor on the rate of an A × B matrix: `original` √max(1, A/B), or `match_rms_adamw` 0.2 · √max(A, B), with which rates and decays of AdamW fit.',
      enum: ['original', 'match_rms_adamw'],
      default: 'original',
    },
    ns_steps: { description: 'Iterations.', type: 'integer', minimum: 1, maximum: 99, default: 5 },
    ns_coefficients: {
      description: 'a, b and c of the iteration.',
      type: 'array',
      items: { type: 'number' },
      minItems: 3,
      maxItems: 3,
      default: [3.4445, -4.775, 2.0315],
    },
    epsilon: epsilon(1e-7, 'Least norm that steps are divided by.'),
    adamw_lr: {
      description: 'Learning rate of AdamW, with the same schedule; by default `lr`.',
      type: 'number',
      minimum: 0,
    },
    ...ADAMW,
    ...decoupledDecay(0.1),
  },
  hypers: ['momentum', 'weight_decay', 'l1'],
  momentum: 'momentum',
  idle: (fields) => {
    if (numberOf(fields, 'lr') === 0 && fields['adamw_lr'] !== undefined) {
      return { field: 'adamw_lr', why: 'with `lr: 0` nothing is trained, and its schedule is that of `lr`' };
    }
    if (numberOf(fields, 'momentum') === 0 && !flagOf(fields, 'nesterov')) {
      return { field: 'nesterov', why: 'without momentum there is nothing to look ahead along' };
    }
    const field = Object.keys(ADAMW).find((name) => fields[name] !== ADAMW[name]?.['default']);
    return fields['adamw_lr'] === 0 && field !== undefined
      ? { field, why: 'with `adamw_lr: 0` AdamW trains nothing' }
      : undefined;
  },
  scalars: (fields, t) => ({
    correction1: 1 - numberOf(fields, 'adamw_beta1') ** t,
    correction2_sqrt: Math.sqrt(1 - numberOf(fields, 'adamw_beta2') ** t),
  }),
  lower(context) {
    const { m, fields, parameter, gradient, lr: rate, slot, updateSlot, hyper, rest } = context;
    const { shape } = parameter.type;
    const rank = shape.length;
    if (rank < 2 || (rank > 2 && !flagOf(fields, 'filters'))) return adamw(context);
    const mean = slot('momentum');
    const next = m.add(mean, m.mul(m.sub(gradient, mean), rest('momentum')));
    updateSlot(mean, next);
    const step = flagOf(fields, 'nesterov') ? m.add(gradient, m.mul(m.sub(next, gradient), hyper('momentum'))) : next;
    const size = m.mul(rate, adjustment(wordOf(fields, 'adjust_lr'), shape));
    return m.sub(decoupled(context), m.mul(orthogonalized(context, step), size));
  },
});

function adamw(context: OptimizerContext): Value {
  const { m, fields, lr: rate, hyper, rest } = context;
  const adamFields: Fields = {
    ...fields,
    epsilon: numberOf(fields, 'adamw_epsilon'),
    amsgrad: false,
    epsilon_hat: false,
  };
  const base = numberOf(fields, 'lr');
  const own = fields['adamw_lr'] === undefined || base === 0 ? 1 : numberOf(fields, 'adamw_lr') / base;
  const inner = {
    ...context,
    fields: adamFields,
    lr: own === 1 ? rate : m.mul(rate, own),
    hyper: (name: string) => hyper(adamName(name)),
    rest: (name: string) => rest(adamName(name)),
  };
  return adamStep(inner, decoupled(inner), context.gradient);
}

function adjustment(how: string, shape: Shape): number {
  const [rows, columns] = matrixOf(shape);
  return how === 'original' ? Math.sqrt(Math.max(1, rows / columns)) : 0.2 * Math.sqrt(Math.max(rows, columns));
}

function matrixOf(shape: Shape): readonly [number, number] {
  const rows = shape[0] ?? 1;
  return [rows, elementCount(shape) / Math.max(1, rows)];
}

function orthogonalized(context: OptimizerContext, step: Value): Value {
  const { b, m, fields } = context;
  const { shape } = step.type;
  const [rows, columns] = matrixOf(shape);
  const [first = 0, second = 0, third = 0] = numbersOf(fields, 'ns_coefficients');
  const turned = (x: Value): Value => (rows > columns ? b.op('transpose', [x], { perm: [1, 0] }) : x);
  const product = (x: Value, y: Value, flip = false): Value =>
    b.op('matmul', [x, y], { transpose_a: false, transpose_b: flip });
  let x = turned(reshapeTo(b, step, [rows, columns]));
  x = m.div(x, m.maximum(normOf(context, x), numberOf(fields, 'epsilon')));
  for (let i = 0; i < numberOf(fields, 'ns_steps'); i++) {
    const gram = product(x, x, true);
    const bend = m.add(m.mul(gram, second), m.mul(product(gram, gram), third));
    x = m.add(m.mul(x, first), product(bend, x));
  }
  return reshapeTo(b, turned(x), shape);
}
