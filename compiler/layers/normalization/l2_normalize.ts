/** Scaling to a Euclidean length of 1, along any axes. */
import type { Value } from '../../ir/graph';
import type { LowerContext } from '../define';
import { defineLayer } from '../define';
import { axesOf } from '../axis';
import { axesField, flag, flagOf, numberOf } from '../fields';
import { requireFloat } from '../window';
import { epsilonField, scaleChannels } from './affine';

/**
 * x / length over the axes. Everything is first divided by the largest magnitude, so that no square overflows or
 * vanishes; that factor cancels out, so its gradient does too. `add` puts epsilon under the root, else it is the least
 * length that counts.
 */
function toUnitLength({ b, fields }: LowerContext, x: Value, axes: readonly number[], add: boolean): Value {
  const epsilon = numberOf(fields, 'epsilon');
  const least = add ? Math.sqrt(epsilon) : epsilon;
  const largest = b.op('reduce_max', [b.op('abs', [x])], { axes, keepdims: true });
  const unit = b.op('stop_gradient', [b.op('maximum', [largest, b.full(least)])]);
  const small = b.op('div', [x, unit]);
  const squares = b.op('reduce_sum', [b.op('square', [small])], { axes, keepdims: true });
  // epsilon in this unit: at most 1.
  const floor = b.op('square', [b.op('div', [b.full(least), unit])]);
  return b.op('mul', [small, b.op('rsqrt', [b.op(add ? 'add' : 'maximum', [squares, floor])])]);
}

export const l2Normalize = defineLayer({
  type: 'l2_normalize',
  summary: 'Divides by the Euclidean length over some axes: by default each pixel over its channels.',
  details: [
    'y = x / max(√Σx², epsilon) with the sum over `axis`; with `epsilon_rule: add`, y = x / √(Σx² + epsilon). Input [N, …], output alike.',
    "With `scale: true` every channel (axis 1) is then multiplied by a learned `gamma` [C], 20 at the start, or all by one with `shared: true` (ParseNet; Liu et al. 2016): SSD's Normalize layer of Caffe is `{scale: true, epsilon: 1e-10, epsilon_rule: add}`, with `axis: [1, 2, 3]` for its `across_spatial`. PyTorch's `normalize` clamps the length as here; TensorFlow's `l2_normalize` clamps the sum of squares: its epsilon is the square of this one.",
  ].join('\n\n'),
  example: '{name: norm4, type: l2_normalize, scale: true}',
  fields: {
    axis: axesField('What the length is taken over.', { default: 1 }),
    epsilon: epsilonField(1e-12, 'Least length, or what is added to the sum of squares.'),
    epsilon_rule: {
      description: 'Whether epsilon is the least length (`clamp`), or is added to the sum of squares (`add`).',
      enum: ['clamp', 'add'],
      default: 'clamp',
    },
    scale: flag('Multiplies each channel by a learned `gamma`.', false),
    shared: { description: 'One learned factor for all channels; with `scale` alone.', type: 'boolean' },
  },
  arity: [1, 1],
  parameters: ['gamma'],
  lower(context, inputs) {
    const { fields } = context;
    const x = inputs[0]!;
    requireFloat(context, x);
    const y = toUnitLength(context, x, axesOf(context, x, 'axis', 1), fields['epsilon_rule'] === 'add');
    if (!flagOf(fields, 'scale')) {
      if (fields['shared'] !== undefined) context.fail(['shared'], 'there is no factor', 'write `scale: true`');
      return y;
    }
    const channels = fields['shared'] === true ? 1 : (x.type.shape[1] ?? 1);
    const gamma = context.parameter('gamma', [channels], { init: { type: 'constant', value: 20 } });
    if (channels === 1) return context.b.op('mul', [y, gamma]);
    return scaleChannels(context, y, { gamma });
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 2, 2] }] },
    { inputs: [{ shape: ['N', 3, 2, 2] }], fields: { scale: true, epsilon: 0.1, epsilon_rule: 'add' } },
    { inputs: [{ shape: ['N', 3, 2] }], fields: { axis: [1, -1], scale: true, shared: true } },
    { inputs: [{ shape: ['N', 5] }], fields: { epsilon: 3 }, name: 'shorter than epsilon' },
  ],
});

export const unitNorm = defineLayer({
  type: 'unit_norm',
  summary: 'Divides each token (or sample) by its Euclidean length over the features.',
  details:
    "y = x / max(√Σx², epsilon) with the sum over `axis`. Input [N, …], output alike. Keras's UnitNormalization, whose epsilon of 1e-12 is that of the sum of squares; `l2_normalize` is the same over channels, with a learned scale.",
  example: '{name: norm1, type: unit_norm}',
  fields: {
    axis: axesField('What the length is taken over.', { default: -1 }),
    epsilon: epsilonField(1e-6, 'Least length.'),
  },
  arity: [1, 1],
  lower(context, inputs) {
    const x = inputs[0]!;
    requireFloat(context, x);
    return toUnitLength(context, x, axesOf(context, x, 'axis', 1), false);
  },
  samples: [{ inputs: [{ shape: ['N', 3, 5] }] }, { inputs: [{ shape: ['N', 3, 2, 2] }], fields: { axis: [1, 2] } }],
});
