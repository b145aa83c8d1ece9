/** Attention without projections: by dot products, and the additive kind. */
import type { Value } from '../../ir/graph';
import { MANY, defineLayer, type LowerContext } from '../define';
import { flag, flagOf } from '../fields';
import { requireFloat } from '../window';
import {
  attend,
  droppedOut,
  MASKS_NOTE,
  maskFields,
  requireSequences,
  splitInputs,
  weightsOf,
  weightsOutput,
  withOneHead,
  withoutHeads,
} from './attend';

/** [N, T, C] or [N, H, T, D], the same for all of them. */
function requireAttendable(context: LowerContext, query: Value, key: Value, value: Value): void {
  requireFloat(context, query, key, value);
  const ranks = [query, key, value].map(({ type }) => type.shape.length);
  if (ranks.some((rank) => rank !== ranks[0]) || (ranks[0] !== 3 && ranks[0] !== 4)) {
    context.mismatch('shape', 'query, key and value are all [N, T, C] or all [N, heads, T, C]');
  }
  requireSequences(context, query, key, value);
  if (query.type.shape.at(-1) !== key.type.shape.at(-1)) {
    context.mismatch('shape', 'a query and a key have different numbers of features');
  }
}

export const attention = defineLayer({
  type: 'attention',
  summary: 'Averages values by the softmax of the dot products of queries and keys.',
  details: [
    'Inputs: query, key, value, masks; each [N, T, C], or [N, H, T, C] with heads. With one of them it is self-attention, with two the second is key and value. Output: softmax(scale · query · keyᵀ) · value, [N, Tq, Cv]. Key and value may have fewer heads, of which consecutive query heads share one.',
    MASKS_NOTE,
    '`scaled_dot_product_attention` of PyTorch. The Attention of Keras takes query, value, key, has `scale: 1` by default, `scale: learned` (weight `scale` [1], 1 at the start) as its `use_scale: true`. Projections of its own has `multi_head_attention`.',
  ].join('\n\n'),
  example: '{name: context, type: attention, inputs: [decoder, encoder]}',
  fields: {
    scale: {
      description: 'Multiplies the dot products: a number, or `learned`. Default: 1 / √C.',
      anyOf: [{ type: 'number', exclusiveMinimum: 0 }, { const: 'learned' }],
    },
    ...maskFields,
  },
  arity: [1, MANY],
  parameters: ['scale'],
  outputs: weightsOutput,
  lower(context, inputs) {
    const { b, fields } = context;
    const { query, key, value, masks } = splitInputs(context, inputs);
    requireAttendable(context, query, key, value);
    const single = query.type.shape.length === 3;
    const [q, k, v] = single ? [query, key, value].map((x) => withOneHead(context, x)) : [query, key, value];
    const [heads = 1, groups = 1] = [q!.type.shape[1], k!.type.shape[1]];
    if (heads % groups !== 0 || v!.type.shape[1] !== groups) {
      context.mismatch('shape', 'heads of key and value are the same number, which divides that of the query');
    }
    const { scale } = fields;
    const depth = query.type.shape.at(-1) ?? 1;
    const by =
      scale === 'learned'
        ? context.parameter('scale', [1], { init: 'ones' })
        : b.full(typeof scale === 'number' ? scale : 1 / Math.sqrt(depth));
    const { output, weights } = attend(context, b.op('mul', [q!, by]), k!, v!, masks);
    const made = [output, ...(flagOf(fields, 'return_weights') ? [weights] : [])];
    return single ? made.map((x) => withoutHeads(context, x)) : made;
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }, { shape: ['N', 2, 5] }] },
    {
      name: 'heads that share keys, the weights',
      inputs: [{ shape: ['N', 4, 3, 2] }, { shape: ['N', 2, 5, 2] }, { shape: ['N', 2, 5, 3] }],
      fields: { scale: 0.5, causal: true, return_weights: true },
    },
    {
      name: 'masked, learned scale',
      inputs: [{ shape: ['N', 3, 4] }, { shape: ['N', 3], dtype: 'bool' }, { shape: ['N', 3, 3] }],
      fields: { scale: 'learned', masks: 2, return_weights: true, dropout: 0.25 },
    },
  ],
});

export const additiveAttention = defineLayer({
  type: 'additive_attention',
  summary: 'Averages values by the softmax of scores Σ scale · tanh(query + key).',
  details: [
    'Inputs, of shape [N, T, C]: query, key, value, masks. With one of them it is self-attention, with two the second is key and value. Output [N, Tq, Cv]. With `dense` layers of C units before it, without bias, it is the attention of Bahdanau et al. 2015. It takes N · Tq · Tk · C numbers of memory.',
    MASKS_NOTE,
    'Weight: `scale` [C], glorot_uniform. AdditiveAttention of Keras, which takes query, value, key.',
  ].join('\n\n'),
  example: '{name: context, type: additive_attention, inputs: [decoder, encoder]}',
  fields: { learned_scale: flag('Weights the features in the sum; else they count alike.', true), ...maskFields },
  arity: [1, MANY],
  parameters: ['scale'],
  outputs: weightsOutput,
  lower(context, inputs) {
    const { b, fields } = context;
    const { query, key, value, masks } = splitInputs(context, inputs);
    requireAttendable(context, query, key, value);
    const [n = 1, tq = 1, depth = 1] = query.type.shape;
    const tk = key.type.shape[1] ?? 1;
    if (query.type.shape.length !== 3) context.mismatch('shape', 'query, key and value are [N, T, C]');
    const left = b.op('reshape', [query], { shape: [n, 1, tq, 1, depth] });
    const right = b.op('reshape', [key], { shape: [n, 1, 1, tk, depth] });
    const bent = b.op('tanh', [b.op('add', [left, right])]);
    const scaled = flagOf(fields, 'learned_scale')
      ? b.op('mul', [bent, context.parameter('scale', [depth], { init: 'glorot_uniform' })])
      : bent;
    const scores = b.op('reduce_sum', [scaled], { axes: [4], keepdims: false });
    const weights = weightsOf(context, scores, masks);
    const flat = withOneHead(context, value);
    const mixed = b.op('matmul', [droppedOut(context, weights), flat], { transpose_a: false, transpose_b: false });
    const made = [mixed, ...(flagOf(fields, 'return_weights') ? [weights] : [])];
    return made.map((x) => withoutHeads(context, x));
  },
  samples: [
    { inputs: [{ shape: ['N', 3, 5] }, { shape: ['N', 2, 5] }] },
    {
      name: 'causal and masked, the weights',
      inputs: [{ shape: ['N', 3, 2] }, { shape: ['N', 3], dtype: 'bool' }],
      fields: { learned_scale: false, causal: true, masks: 1, return_weights: true, dropout: 0.5 },
    },
  ],
});
