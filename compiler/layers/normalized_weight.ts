/**
 * The main weight of a layer, as it is or normalized: `normalize_weight` of convolutions and dense layers. The
 * parameter `weight` stays what is learned and saved; what the layer computes with is made of it in every step.
 */
import type { Described, FieldSchema, Sample } from '../frontend/describe';
import { typed } from '../frontend/shapes';
import type { Fields } from '../frontend/spec';
import type { Value } from '../ir/graph';
import type { Shape } from '../ir/types';
import { elementCount } from '../ir/types';
import type { LowerContext, ParameterOptions } from './define';
import { numberOf } from './fields';

/** Below any length of a weight: what keeps the quotient finite where it is all zeros. */
const LEAST_SQUARES = 1e-30;

type Way = Described & {
  apply(context: LowerContext, weight: Value, outputs: number, fields: Fields): Value;
};

const weightNorm: Way = {
  type: 'weight',
  summary: 'weight_gain · weight / ‖weight‖, with a length and a gain for each output.',
  example: '{type: weight}',
  fields: {},
  apply(context, weight, outputs) {
    const { b } = context;
    const { shape } = weight.type;
    const filters = shape[outputs] ?? 1;
    const gain = context.parameter('weight_gain', [filters], { init: 'ones', kind: 'norm' });
    const axes = shape.map((_, axis) => axis).filter((axis) => axis !== outputs);
    const squares = b.op('reduce_sum', [b.op('square', [weight])], { axes, keepdims: true });
    const inverse = b.op('rsqrt', [b.op('maximum', [squares, b.full(LEAST_SQUARES)])]);
    const perOutput = b.op('reshape', [gain], { shape: shape.map((_, axis) => (axis === outputs ? filters : 1)) });
    return b.op('mul', [weight, b.op('mul', [perOutput, inverse])]);
  },
};

const spectralNorm: Way = {
  type: 'spectral',
  summary: 'weight / its largest singular value, found by power iteration.',
  example: '{type: spectral, iterations: 2}',
  fields: {
    iterations: { description: 'Power iterations a training step.', type: 'integer', minimum: 1, default: 1 },
    epsilon: {
      description: 'Least length that a vector of the iteration is divided by.',
      type: 'number',
      exclusiveMinimum: 0,
      default: 1e-12,
    },
  },
  apply(context, weight, outputs, fields) {
    const { b } = context;
    const { shape } = weight.type;
    const rows = shape[outputs] ?? 1;
    const columns = elementCount(shape) / rows;
    const perm = [outputs, ...shape.map((_, axis) => axis).filter((axis) => axis !== outputs)];
    const turned = outputs === 0 ? weight : b.op('transpose', [weight], { perm });
    const matrix = b.op('reshape', [turned], { shape: [rows, columns] });
    const product = (one: Value, two: Value, transpose_b = false): Value =>
      b.op('matmul', [one, two], { transpose_a: false, transpose_b });

    const storedU = context.buffer('u', [rows], { type: 'normal' });
    const storedV = context.buffer('v', [columns], { type: 'normal' });
    let u = b.op('reshape', [storedU], { shape: [1, rows] });
    let v = b.op('reshape', [storedV], { shape: [1, columns] });
    if (context.mode === 'train' && context.fields['frozen'] !== true) {
      const fixed = b.op('stop_gradient', [matrix]);
      const epsilon = fields['epsilon'] === undefined ? 1e-12 : numberOf(fields, 'epsilon');
      const iterations = fields['iterations'] === undefined ? 1 : numberOf(fields, 'iterations');
      for (let i = 0; i < iterations; i++) {
        u = unitVector(context, product(v, fixed, true), epsilon);
        v = unitVector(context, product(u, fixed), epsilon);
      }
      context.updateBuffer(storedU, b.op('reshape', [u], { shape: [rows] }));
      context.updateBuffer(storedV, b.op('reshape', [v], { shape: [columns] }));
    }
    const sigma = b.op('reshape', [product(product(u, matrix), v, true)], { shape: [] });
    return b.op('div', [weight, sigma]);
  },
};

/** A row vector of length 1; as it is where it is shorter than epsilon. */
function unitVector({ b }: LowerContext, x: Value, epsilon: number): Value {
  const squares = b.op('reduce_sum', [b.op('square', [x])], { axes: [1], keepdims: true });
  return b.op('div', [x, b.op('maximum', [b.op('sqrt', [squares]), b.full(epsilon)])]);
}

const WAYS: Readonly<Record<string, Way>> = { weight: weightNorm, spectral: spectralNorm };

export const normalizeWeightField: FieldSchema = {
  description:
    'Normalizes the weight before it is used. `weight`: weight_gain · weight / ‖weight‖ with a length for each output and a learned `weight_gain` [outputs], 1 at the start (Salimans and Kingma 2016; PyTorch starts it from the lengths of the weight). `spectral`: weight / σ, where σ is the largest singular value of the weight as a matrix of a row for each output, from power iterations in training (`iterations`, 1 unless said) whose vectors `u` and `v` are kept (Miyato et al. 2018; PyTorch). By default the weight is used as it is.',
  ...typed(WAYS),
};

/** What `details` of a layer with that field says about it. */
export const NORMALIZED_WEIGHT =
  'With `normalize_weight` the weight is normalized before it is used; then there is `weight_gain` [outputs], or the vectors `u` and `v` of a power iteration.';

/** The layer's weight, ready for use; its outputs are numbered along the axis `outputs`. */
export function weightOf(context: LowerContext, shape: Shape, options: ParameterOptions, outputs = 0): Value {
  const weight = context.parameter('weight', shape, options);
  const wanted = context.fields['normalize_weight'];
  if (typeof wanted === 'string') return WAYS[wanted]?.apply(context, weight, outputs, {}) ?? weight;
  if (wanted === undefined || wanted === null || typeof wanted !== 'object') return weight;
  const { type, ...fields } = wanted as Fields;
  return (typeof type === 'string' ? WAYS[type]?.apply(context, weight, outputs, fields) : undefined) ?? weight;
}

/** In training the gradient passes the power iteration by, so that no difference quotient can find it. */
export function spectralSamples(sample: Sample): readonly Sample[] {
  return [
    { ...sample, modes: ['predict'] },
    { ...sample, modes: ['train'], parameters: false },
  ];
}
