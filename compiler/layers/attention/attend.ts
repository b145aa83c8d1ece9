/**
 * Scaled dot-product attention over [N, H, T, D]: what every attention layer ends in. Masked scores become −1e30 and not
 * −∞, so that no row is without a number; a row that a mask empties gives weights of 0, where PyTorch's layer gives NaN.
 */
import type { FieldSchema } from '../../frontend/describe';
import type { Value } from '../../ir/graph';
import type { Shape } from '../../ir/types';
import type { LowerContext } from '../define';
import { flag, flagOf, numberOf } from '../fields';
import { reshapeTo } from '../shape/pieces';
import { tableOf } from '../table';

/** Far below any score, and still far from the end of float32 when a score is added. */
const NEVER = -1e30;

export const MASKS_NOTE =
  'Masks are the last `masks` inputs. A bool mask is true where a query may attend to a key (as in Keras and in `scaled_dot_product_attention` of PyTorch; the masks of its MultiheadAttention are the other way round). A float32 mask is added to the scores. Shapes: [N, Tk] for keys that are padding, [N, Tq, Tk] for all heads, [N, H, Tq, Tk]; extents of 1 are stretched. All masks have to agree. A query that may attend to nothing gets 0. With `causal` query i sees keys 0 to i, counted from the start also where there are more keys than queries (as both).';

export const maskFields: Readonly<Record<string, FieldSchema>> = {
  masks: {
    description: 'How many of the last inputs are masks.',
    type: 'integer',
    minimum: 0,
    maximum: 8,
    default: 0,
  },
  causal: flag('No query attends to a later key.', false),
  dropout: {
    description: 'Share of the attention weights set to 0 in training.',
    type: 'number',
    minimum: 0,
    exclusiveMaximum: 1,
    default: 0,
  },
  return_weights: flag('Makes the weights, before dropout, a second output called `weights`.', false),
};

export const weightsOutput = (fields: Readonly<Record<string, unknown>>): readonly string[] =>
  fields['return_weights'] === true ? ['weights'] : [];

/** The inputs without the masks, and the masks. Query alone is its own key; a key alone its own value. */
export function splitInputs(
  context: LowerContext,
  inputs: readonly Value[],
): { query: Value; key: Value; value: Value; masks: readonly Value[] } {
  const count = inputs.length - numberOf(context.fields, 'masks');
  if (count < 1 || count > 3) {
    const found = `${inputs.length} inputs, ${numberOf(context.fields, 'masks')} of them masks`;
    context.fail(
      ['masks'],
      `takes query, key and value, of which the last ones may be left out, before its masks; found ${found}`,
      'say with `masks` how many of the inputs are masks',
    );
  }
  const query = inputs[0]!;
  const key = count > 1 ? inputs[1]! : query;
  return { query, key, value: count > 2 ? inputs[2]! : key, masks: inputs.slice(count) };
}

/** A mask as one that broadcasts to [N, H, Tq, Tk]. */
function spread(context: LowerContext, mask: Value, [n = 1, h = 1, tq = 1, tk = 1]: Shape): Value {
  const { shape, dtype } = mask.type;
  if (dtype !== 'bool' && dtype !== 'f32') {
    context.mismatch('dtype', 'a mask is bool (true: may attend) or float32 (added to the scores)');
  }
  const wide =
    shape.length === 2 ? [shape[0]!, 1, 1, shape[1]!] : shape.length === 3 ? [shape[0]!, 1, ...shape.slice(1)] : shape;
  const scores = [n, h, tq, tk];
  if (wide.length !== 4 || wide.some((extent, axis) => extent !== 1 && extent !== scores[axis])) {
    context.mismatch(
      'shape',
      `a mask is [N, keys], [N, queries, keys] or [N, heads, queries, keys], here of [${scores.join(', ')}]`,
    );
  }
  return reshapeTo(context.b, mask, wide);
}

function causalMask({ b }: LowerContext, queries: number, keys: number): Value {
  const count = (extent: number): readonly number[] => tableOf(extent, (i) => i);
  const row = b.constant(count(queries), [1, 1, queries, 1], 'i32');
  return b.op('greater_equal', [row, b.constant(count(keys), [1, 1, 1, keys], 'i32')]);
}

/** Softmax over the keys of scores [N, H, Tq, Tk], without what the masks rule out. */
export function weightsOf(context: LowerContext, scores: Value, masks: readonly Value[]): Value {
  const { b, fields } = context;
  const { shape } = scores.type;
  const wide = masks.map((mask) => spread(context, mask, shape));
  const added = wide
    .filter(({ type }) => type.dtype === 'f32')
    .reduce((sum, mask) => b.op('add', [sum, b.op('maximum', [mask, b.full(NEVER)])]), scores);
  const given = wide.filter(({ type }) => type.dtype === 'bool');
  const rules = flagOf(fields, 'causal') ? [...given, causalMask(context, shape[2] ?? 1, shape[3] ?? 1)] : given;
  if (rules.length === 0) return b.op('softmax', [added], { axis: 3 });
  const allowed = rules.reduce((both, rule) => b.op('and', [both, rule]));
  const weights = b.op('softmax', [b.op('where', [allowed, added, b.full(NEVER)])], { axis: 3 });
  // Causality leaves every query a key; only a given mask can take the last one away.
  return given.length === 0 ? weights : b.op('where', [allowed, weights, b.full(0)]);
}

/** The weights after dropout, in training. */
export function droppedOut(context: LowerContext, weights: Value): Value {
  const rate = numberOf(context.fields, 'dropout');
  if (context.mode !== 'train' || rate === 0) return weights;
  return context.b.op('dropout', [weights, context.rng()], { rate, stream: context.stream('dropout') });
}

/**
 * Query [N, H, Tq, D], already scaled, key [N, G, Tk, D] and value [N, G, Tk, E]: the weighted values [N, H, Tq, E] and
 * the weights. H is a multiple of G: consecutive query heads share a key head, whose rows they become, so that nothing
 * is copied.
 */
export function attend(
  context: LowerContext,
  query: Value,
  key: Value,
  value: Value,
  masks: readonly Value[],
): { readonly output: Value; readonly weights: Value } {
  const { b } = context;
  const [n = 1, heads = 1, tq = 1, depth = 1] = query.type.shape;
  const [, groups = 1, tk = 1] = key.type.shape;
  const rows = (heads / groups) * tq;
  const grouped = reshapeTo(b, query, [n, groups, rows, depth]);
  const scores = b.op('matmul', [grouped, key], { transpose_a: false, transpose_b: true });
  const weights = weightsOf(context, reshapeTo(b, scores, [n, heads, tq, tk]), masks);
  const used = reshapeTo(b, droppedOut(context, weights), [n, groups, rows, tk]);
  const mixed = b.op('matmul', [used, value], { transpose_a: false, transpose_b: false });
  return { output: reshapeTo(b, mixed, [n, heads, tq, value.type.shape[3] ?? 1]), weights };
}

/** The same batch for all of them, and a value for each key. */
export function requireSequences(context: LowerContext, query: Value, key: Value, value: Value): void {
  const axis = query.type.shape.length - 2;
  const batches = [query, key, value].map(({ type }) => type.shape.slice(0, axis - (axis > 1 ? 1 : 0)).join());
  if (batches.some((batch) => batch !== batches[0]))
    context.mismatch('shape', 'query, key and value differ in the batch');
  if (key.type.shape[axis] !== value.type.shape[axis]) {
    context.mismatch('shape', `there are ${key.type.shape[axis]} keys and ${value.type.shape[axis]} values`);
  }
}

/** [N, 1, T, E] without the axis of the one head. */
export const withoutHeads = (context: LowerContext, x: Value): Value =>
  reshapeTo(context.b, x, x.type.shape.toSpliced(1, 1));

export const withOneHead = (context: LowerContext, x: Value): Value =>
  reshapeTo(context.b, x, x.type.shape.toSpliced(1, 0, 1));
