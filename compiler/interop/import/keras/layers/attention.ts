/** Attention: of one head, additive, and of several heads with projections. Keras takes query, value, key. */
import type { Fields } from '../../../../frontend/spec';
import { reshape, transpose, type Numbers } from '../../../formats/keras/tensors';
import { Refusal, type Use } from '../use';
import { identity } from '../../../formats/keras/axes';
import type { Value } from '../value';

interface Parts {
  /** Query, key, value, and a mask where the values have one: in our order. */
  readonly refs: readonly string[];
  readonly query: Value;
  readonly key: Value;
  readonly value: Value;
  readonly masked: boolean;
}

function partsOf(use: Use): Parts {
  const named = (key: string): Value | undefined => use.named[key]?.[0];
  const [query = named('query'), value = named('value'), third] = use.inputs;
  if (query === undefined || value === undefined) throw new Refusal('it takes a query and a value');
  const key = third ?? named('key') ?? value;
  if (use.named.attention_mask !== undefined) throw new Refusal('its `attention_mask` is not read');
  for (const one of [query, key, value])
    if (one.shape.length !== 3) throw new Refusal('its inputs are not [batch, steps, features]');
  const all = [query, key, value].map((one) => use.context.orders.natural(one));
  const { mask } = value;
  if (query.mask !== undefined)
    use.converted('mask', 'queries that are padding attend as the others do; their values are padding too');
  return { refs: mask === undefined ? all : [...all, mask], query, key, value, masked: mask !== undefined };
}

const causal = (use: Use): boolean => use.call.settings.use_causal_mask === true || use.config.flag('causal', false);

export function attention(use: Use): Value {
  const { refs, query, value, masked } = partsOf(use);
  const additive = use.layer.type === 'AdditiveAttention';
  const learned = use.config.flag('use_scale', additive);
  const concat = !additive && use.config.text('score_mode', 'dot') !== 'dot';
  if (concat) throw new Refusal('its `score_mode` is not read');
  const dropout = use.config.number('dropout', 0);
  const fields: Fields = {
    ...(additive ? (learned ? {} : { learned_scale: false }) : { scale: learned ? 'learned' : 1 }),
    ...(masked ? { masks: 1 } : {}),
    ...(causal(use) ? { causal: true } : {}),
    ...(dropout === 0 ? {} : { dropout }),
  };
  const type = additive ? 'additive_attention' : 'attention';
  const ref = use.weighted(type, refs, fields, [], (): Readonly<Record<string, Numbers>> => {
    if (!learned) return {};
    return {
      scale: reshape(use.take(additive ? [query.shape[2]!] : undefined, 'scale'), [additive ? query.shape[2]! : 1]),
    };
  });
  return { ref, shape: [0, query.shape[1]!, value.shape[2]!], order: identity(3) };
}

export function multiHeadAttention(use: Use): Value {
  const grouped = use.layer.type === 'GroupQueryAttention' || use.layer.type === 'GroupedQueryAttention';
  const { refs, query, key, value, masked } = partsOf(use);
  const heads = use.config.size(grouped ? 'num_query_heads' : 'num_heads');
  const shared = grouped ? use.config.size('num_key_value_heads') : heads;
  const keyUnits = use.config.size(grouped ? 'head_dim' : 'key_dim');
  const valueUnits = grouped ? keyUnits : use.config.int('value_dim', keyUnits, 1);
  const axes = use.config.integers('attention_axes');
  if (axes !== undefined && !(axes.length === 1 && (axes[0] === 1 || axes[0] === -2)))
    throw new Refusal('its `attention_axes` are not the steps');
  const features = query.shape[2]!;
  const asked = use.config.integers('output_shape');
  if (asked !== undefined && asked.length !== 1) throw new Refusal('its `output_shape` has several axes');
  const units = asked?.[0] ?? features;
  const bias = use.config.flag('use_bias', true);
  if (use.config.flag('use_gate', false)) throw new Refusal('its `use_gate` is not read');
  const dropout = use.config.number('dropout', 0);
  const fields: Fields = {
    heads,
    ...(keyUnits * heads === features ? {} : { key_units: keyUnits }),
    ...(valueUnits === keyUnits ? {} : { value_units: valueUnits }),
    ...(units === features ? {} : { units }),
    ...(shared === heads ? {} : { key_value_heads: shared }),
    ...(bias ? {} : { bias: false }),
    ...(masked ? { masks: 1 } : {}),
    ...(causal(use) ? { causal: true } : {}),
    ...(dropout === 0 ? {} : { dropout }),
  };
  for (const kind of ['kernel', 'bias'])
    for (const what of ['initializer', 'regularizer', 'constraint']) use.config.ignore(`${kind}_${what}`);
  use.config.ignore('query_shape', 'key_shape', 'value_shape', 'flash_attention');
  // One tensor for all three is self-attention.
  const same = new Set(refs.slice(0, 3)).size === 1;
  const inputs = same ? [refs[0]!, ...refs.slice(3)] : refs;
  const ref = use.weighted('multi_head_attention', inputs, fields, [], () => {
    const stored: Record<string, Numbers> = {};
    const project = (name: string, from: number, count: number, size: number): void => {
      const taken = use.take([from, count, size], name, 'transposed, heads below each other');
      stored[name] = transpose(reshape(taken, [from, count * size]), [1, 0]);
      if (bias) stored[`${name}_bias`] = reshape(use.take([count, size], `${name}_bias`), [count * size]);
    };
    project('query', features, heads, keyUnits);
    project('key', key.shape[2]!, shared, keyUnits);
    project('value', value.shape[2]!, shared, valueUnits);
    const taken = use.take([heads, valueUnits, units], 'output', 'transposed, heads beside each other');
    stored.output = transpose(reshape(taken, [heads * valueUnits, units]), [1, 0]);
    if (bias) stored.output_bias = use.take([units], 'output_bias');
    return stored;
  });
  return { ref, shape: [0, query.shape[1]!, units], order: identity(3) };
}

export function einsumDense(use: Use): Value {
  const equation = use.config.text('equation', '').replace(/\s/g, '');
  const match = /^([A-Za-z]+),([A-Za-z]+)->([A-Za-z]+)$/.exec(equation);
  const { input } = use;
  if (match?.[1]?.length !== input.shape.length) throw new Refusal(`its equation \`${equation}\` is not read`);
  const [, source, kernel, target] = match as unknown as [string, string, string, string];
  const wanted = use.config.value('output_shape');
  const tail = (Array.isArray(wanted) ? (wanted as (number | null)[]) : [wanted as number | null]).slice();
  const extents: Record<string, number> = {};
  Array.from(source).forEach((letter, axis) => (extents[letter] = input.shape[axis]!));
  const offset = target.length - tail.length;
  tail.forEach((extent, i) => {
    const letter = target[offset + i];
    if (letter !== undefined && typeof extent === 'number') extents[letter] ??= extent;
  });
  const biasAxes = use.config.text('bias_axes', '');
  const fields: Fields = {
    equation,
    output_shape: tail.length === 1 ? tail[0]! : tail,
    ...(biasAxes === '' ? {} : { bias_axes: biasAxes }),
  };
  const of = (letters: string): number[] => Array.from(letters).map((letter) => extents[letter] ?? 0);
  const rules = [
    { param: 'weight', prefix: 'kernel', usual: 'glorot_uniform', rank: kernel.length },
    ...(biasAxes === '' ? [] : [{ param: 'bias', prefix: 'bias', usual: 'zeros', rank: biasAxes.length }]),
  ];
  const inOrder = Array.from(target)
    .filter((letter) => biasAxes.includes(letter))
    .join('');
  const ref = use.weighted('einsum_dense', [use.context.orders.natural(input)], fields, rules, () => {
    const weight = use.take(of(kernel), 'weight');
    if (biasAxes === '') return { weight };
    const taken = use.take(undefined, 'bias');
    return { weight, bias: reshape(taken, of(inOrder)) };
  });
  const order = identity(target.length);
  return { ref: use.activated(ref, order, use.activation()), shape: of(target), order };
}
