/** Multi-head attention with its projections; grouped-query attention and rotary positions are fields of it. */
import type { Fields, Json } from '../../frontend/spec';
import type { Value } from '../../ir/graph';
import { MANY, defineLayer, type LowerContext } from '../define';
import { flag, flagOf, numberOf, positive } from '../fields';
import { reshapeTo } from '../shape/pieces';
import { requireFloat } from '../window';
import { attend, MASKS_NOTE, maskFields, requireSequences, splitInputs, weightsOutput } from './attend';
import { rotaryFields, rotaryOf, rotate } from './rotary';

interface Sizes {
  readonly heads: number;
  readonly groups: number;
  readonly keyUnits: number;
  readonly valueUnits: number;
}

const optional = (value: Json | undefined, byDefault: number): number =>
  typeof value === 'number' ? value : byDefault;

function sizesOf(context: LowerContext, query: Value): Sizes {
  const { fields } = context;
  const heads = numberOf(fields, 'heads');
  const features = query.type.shape[2] ?? 1;
  if (fields['key_units'] === undefined && features % heads !== 0) {
    context.fail(
      ['heads'],
      `the ${features} features of the query do not divide by ${heads} heads`,
      'give `key_units`',
    );
  }
  const groups = optional(fields['key_value_heads'], heads);
  if (heads % groups !== 0) {
    context.fail(['key_value_heads'], `${heads} heads cannot share ${groups} key and value heads evenly`);
  }
  const keyUnits = optional(fields['key_units'], features / heads);
  return { heads, groups, keyUnits, valueUnits: optional(fields['value_units'], keyUnits) };
}

/** x · weightᵀ + bias over the last axis of [N, T, C]. */
function project(context: LowerContext, x: Value, param: string, units: number): Value {
  const { b, fields } = context;
  const [n = 1, t = 1, features = 1] = x.type.shape;
  const weight = context.parameter(param, [units, features], { init: 'glorot_uniform' });
  const operands = [reshapeTo(b, x, [n * t, features]), weight];
  if (flagOf(fields, 'bias')) operands.push(context.parameter(`${param}_bias`, [units], { init: 'zeros' }));
  return reshapeTo(b, b.op('matmul', operands, { transpose_a: false, transpose_b: true }), [n, t, units]);
}

/** [N, T, H·D] → [N, H, T, D] */
function intoHeads({ b }: LowerContext, x: Value, heads: number): Value {
  const [n = 1, t = 1, units = 1] = x.type.shape;
  return b.op('transpose', [reshapeTo(b, x, [n, t, heads, units / heads])], { perm: [0, 2, 1, 3] });
}

function fromHeads({ b }: LowerContext, x: Value): Value {
  const [n = 1, heads = 1, t = 1, depth = 1] = x.type.shape;
  return reshapeTo(b, b.op('transpose', [x], { perm: [0, 2, 1, 3] }), [n, t, heads * depth]);
}

export const multiHeadAttention = defineLayer({
  type: 'multi_head_attention',
  summary: 'Attention of several heads, with projections of query, key, value and output.',
  details: [
    'Inputs, of shape [N, T, C]: query, key, value, masks. With one of them it is self-attention, with two the second is key and value. Output [N, Tq, units]. Each head computes softmax(q · kᵀ / √key_units) · v, heads are joined and projected (Vaswani et al. 2017). The order is that of PyTorch; the layers of Keras take query, value, key.',
    MASKS_NOTE,
    'Weights: `query` [heads · key_units, C], `key` [key_value_heads · key_units, Ck], `value` [key_value_heads · value_units, Cv], `output` [units, heads · value_units], and `query_bias`, `key_bias`, `value_bias`, `output_bias`; head h has the rows from h · key_units on. PyTorch: `in_proj_weight` is query, key and value, one below the other, `out_proj.weight` is output, all as they are. Keras: reshape its kernels [C, heads, key_units] to [C, heads · key_units] and [heads, value_units, units] to [heads · value_units, units] and transpose them. All start as glorot_uniform, as in Keras; PyTorch draws the three of its `in_proj_weight` as one matrix, a little smaller.',
    'With `key_value_heads` fewer than `heads`, consecutive query heads share a key and value head: grouped-query attention (Ainslie et al. 2023; GroupQueryAttention of Keras), with 1 multi-query attention. `rotary` turns queries and keys by their positions, see `rotary_positions`. The weights that `return_weights` gives are [N, heads, Tq, Tk], not averaged over the heads as by PyTorch.',
  ].join('\n\n'),
  example: '{name: attention, type: multi_head_attention, heads: 4, causal: true}',
  fields: {
    heads: positive('Number of heads.'),
    key_units: positive(
      'Features of a query and of a key in one head. Default: those of the query, divided by `heads`.',
    ),
    value_units: positive('Features of a value in one head. Default: `key_units`.'),
    units: positive('Features of the output. Default: those of the query.'),
    key_value_heads: positive('Heads of keys and values, which divide `heads`. Default: `heads`.'),
    bias: flag('Adds a learned number to each unit of the projections.', true),
    output_projection: flag('Projects the joined heads; without it they are the output.', true),
    rotary: {
      description:
        'Turns queries and keys by their positions: `true`, or a mapping with the fields of `rotary_positions`.',
      anyOf: [{ type: 'boolean' }, { type: 'object', additionalProperties: false, properties: rotaryFields }],
      default: false,
    },
    ...maskFields,
  },
  required: ['heads'],
  arity: [1, MANY],
  parameters: ['query', 'key', 'value', 'output', 'query_bias', 'key_bias', 'value_bias', 'output_bias'],
  outputs: weightsOutput,
  lower(context, inputs) {
    const { b, fields } = context;
    const { query, key, value, masks } = splitInputs(context, inputs);
    requireFloat(context, query, key, value);
    if ([query, key, value].some(({ type }) => type.shape.length !== 3)) {
      context.mismatch('shape', 'query, key and value are sequences, of shape [N, T, C]');
    }
    requireSequences(context, query, key, value);
    const { heads, groups, keyUnits, valueUnits } = sizesOf(context, query);
    const projects = flagOf(fields, 'output_projection');
    if (!projects && fields['units'] !== undefined) {
      context.fail(['units'], 'without `output_projection` the output has heads · value_units features');
    }
    const { rotary } = fields;
    const turn = (x: Value): Value => {
      if (rotary === false || rotary === undefined) return x;
      return rotate(context, x, 2, rotaryOf(rotary === true ? {} : (rotary as Fields)), ['rotary']);
    };
    const q = intoHeads(context, project(context, query, 'query', heads * keyUnits), heads);
    const k = intoHeads(context, project(context, key, 'key', groups * keyUnits), groups);
    const v = intoHeads(context, project(context, value, 'value', groups * valueUnits), groups);
    const scaled = b.op('mul', [turn(q), b.full(1 / Math.sqrt(keyUnits))]);
    const { output, weights } = attend(context, scaled, turn(k), v, masks);
    const joined = fromHeads(context, output);
    const units = optional(fields['units'], query.type.shape[2] ?? 1);
    const made = projects ? project(context, joined, 'output', units) : joined;
    return flagOf(fields, 'return_weights') ? [made, weights] : made;
  },
  samples: [
    // The gradient of a bias on all keys is 0 but for rounding, which the tolerance is relative to.
    { inputs: [{ shape: ['N', 5, 8] }], fields: { heads: 4, causal: true }, tolerance: 1e-3 },
    {
      name: 'two sequences, a mask of padding, the weights',
      inputs: [{ shape: ['N', 3, 4] }, { shape: ['N', 5, 6] }, { shape: ['N', 5], dtype: 'bool' }],
      fields: { heads: 2, masks: 1, return_weights: true, dropout: 0.3 },
      tolerance: 1e-3,
    },
    {
      name: 'three inputs, a bias on the scores, sizes of their own',
      inputs: [{ shape: ['N', 3, 5] }, { shape: ['N', 2, 4] }, { shape: ['N', 2, 3] }, { shape: [1, 3, 3, 2] }],
      fields: { heads: 3, key_units: 2, value_units: 3, units: 5, bias: false, masks: 1 },
      modes: ['predict'],
    },
    {
      name: 'grouped, rotary, a mask for each query',
      inputs: [{ shape: ['N', 3, 8] }, { shape: ['N', 3, 3], dtype: 'bool' }],
      fields: { heads: 4, key_value_heads: 2, key_units: 4, rotary: { base: 100, fraction: 0.5 }, masks: 1 },
    },
    {
      name: 'no output projection',
      inputs: [{ shape: ['N', 2, 6] }],
      fields: { heads: 3, key_value_heads: 1, rotary: true, output_projection: false },
    },
  ],
});
