/** A table of learned vectors, looked up by index. */
import type { Value } from '../../ir/graph';
import { defineLayer, type LowerContext } from '../define';
import { flag, flagOf, numberOf, positive } from '../fields';
import { initField } from '../initial';
import { requireIndices } from './indices';

/** The number that the vectors are multiplied by. */
function scaleOf({ fields }: LowerContext, units: number): number {
  return fields['scale'] === 'sqrt_units' ? Math.sqrt(units) : numberOf(fields, 'scale');
}

export const embedding = defineLayer({
  type: 'embedding',
  summary: 'Looks up a learned vector for each index.',
  details: [
    'Input: int32 or int64 indices of any shape; output: that shape with `units` as a last axis, [N, T] → [N, T, units]. An index outside 0 … vocabulary − 1 stops the run with its position.',
    'Weights: `weight` [vocabulary, units], and `bias` [units] if asked for. At the start `weight` is normal with a deviation of 1, as in PyTorch; Keras draws uniformly from ±0.05 (`init: uniform`), Caffe leaves zeros unless told.',
    "`padding_index` gives zeros and trains nothing, whatever its row holds (PyTorch's `padding_idx`, which starts that row as zeros and keeps its gradient at zero). Keras' `mask_zero` also tells later layers what to skip: here they are given lengths or masks. Caffe's Embed takes indices as floats and adds a bias unless told: `bias: true`. Transformers multiply by √units (`scale: sqrt_units`).",
  ].join('\n\n'),
  example: '{name: words, type: embedding, vocabulary: 10000, units: 64}',
  fields: {
    vocabulary: positive('Number of vectors: indices run from 0 to one less.'),
    units: positive('Length of each vector.'),
    padding_index: {
      description: 'An index that gives zeros and is not trained. Default: none.',
      type: 'integer',
      minimum: 0,
    },
    scale: {
      description: 'What the vectors are multiplied by: a number, or `sqrt_units`.',
      anyOf: [
        { type: 'number', not: { const: 0 } },
        { type: 'string', const: 'sqrt_units' },
      ],
      default: 1,
    },
    bias: flag('Adds a learned vector to all (Caffe).', false),
    init: {
      ...initField,
      description:
        'Initializer of the weight: short for `parameters: {weight: {init: …}}`. A name, or a mapping with its `type` and fields. Default: normal with a deviation of 1.',
    },
  },
  required: ['vocabulary', 'units'],
  arity: [1, 1],
  parameters: ['weight', 'bias'],
  lower(context, inputs) {
    const { b, fields } = context;
    const indices = inputs[0]!;
    requireIndices(context, indices);
    const vocabulary = numberOf(fields, 'vocabulary');
    const units = numberOf(fields, 'units');
    const weight = context.parameter('weight', [vocabulary, units], {
      init: fields['init'] ?? { type: 'normal', std: 1 },
      fanIn: vocabulary,
      fanOut: units,
    });
    const scale = scaleOf(context, units);
    let y: Value = b.op('gather', [weight, indices], { axis: 0, batch_dims: 0 });
    if (scale !== 1) y = b.op('mul', [y, b.full(scale)]);
    if (fields['padding_index'] !== undefined) {
      const padding = numberOf(fields, 'padding_index');
      if (padding >= vocabulary) context.fail(['padding_index'], `${padding} is not among the ${vocabulary} indices`);
      const { dtype, shape } = indices.type;
      const isPadding = b.op('equal', [indices, b.full(padding, [], dtype)]);
      y = b.op('where', [b.op('reshape', [isPadding], { shape: [...shape, 1] }), b.full(0), y]);
    }
    return flagOf(fields, 'bias') ? b.op('add', [y, context.parameter('bias', [units], { init: 'zeros' })]) : y;
  },
  samples: [
    { inputs: [{ shape: ['N', 5], dtype: 'int32', range: [0, 6] }], fields: { vocabulary: 7, units: 3 } },
    {
      name: 'padding, scaled by a root',
      inputs: [{ shape: ['N', 5], dtype: 'int64', values: [2, 0, 2, 1, 4] }],
      fields: { vocabulary: 5, units: 3, padding_index: 2, scale: 'sqrt_units' },
    },
    {
      name: 'one index each, scaled, with a bias',
      inputs: [{ shape: ['N'], dtype: 'int32', range: [0, 2] }],
      fields: { vocabulary: 3, units: 5, scale: 0.5, bias: true, init: 'uniform' },
    },
  ],
});
