/**
 * Attention and rotary embeddings (opset 23 and later). What `attention` says becomes that layer; scores that are capped
 * or given out are written as products and a softmax.
 */
import { ELEM } from '../../../formats/onnx/types';
import { fixed, shortest, type Emitter } from '../emitter';
import { refuse, type Handler, type Handlers, type Node } from '../node';
import { sameExtents, type Value } from '../value';

/** The least float32: added to a score it leaves nothing of it. */
const LEAST = -3.4028234663852886e38;

interface Heads {
  /** [N, heads, T, C]. */
  readonly query: Value;
  readonly key: Value;
  readonly value: Value;
  /** Of keys before those that are given. */
  readonly past: number;
  readonly scale: number;
}

const attention: Handler = (node) => {
  const { e } = node;
  const flat = node.in(0).shape.length === 3;
  const heads = headsOf(node, flat);
  const { query, value, key } = heads;
  const shape = [...query.shape.slice(0, 3), value.shape[3]!];
  const mode = node.int('qk_matmul_output_mode', 0);
  const wanted = node.wants(3) ? mode : undefined;
  const isLayer = node.float('softcap', 0) === 0 && (wanted === undefined || wanted === 3);
  const { y, scores } = isLayer ? asLayer(node, heads, shape, wanted === 3) : written(node, heads, shape, wanted);
  const { elem } = node.in(0);
  const typed = (made: Value): Value => ({ ...made, elem });
  const joined = flat ? e.reshape(e.permute(y, [0, 2, 1, 3]), [shape[0]!, shape[2]!, shape[1]! * shape[3]!]) : y;
  return [
    typed(joined),
    node.wants(1) ? typed(key) : undefined,
    node.wants(2) ? typed(value) : undefined,
    scores && typed(scores),
  ];
};

function headsOf(node: Node, flat: boolean): Heads {
  const { e } = node;
  const split = (index: number, attribute: string): Value => {
    const x = e.float(node.in(index));
    if (x.shape.length === 4) return x;
    const heads = node.int(attribute, 0);
    const [n, t, c] = x.shape as [number, number, number];
    if (heads < 1 || x.shape.length !== 3 || c % heads !== 0)
      refuse(`cannot cut [${e.show(x.shape)}] into ${heads} heads`);
    return e.permute(e.reshape(x, [n, t, heads, c / heads]), [0, 2, 1, 3]);
  };
  if (!flat && node.in(0).shape.length !== 4)
    refuse(`takes a query of [${e.show(node.in(0).shape)}], which has 3 or 4 axes`);
  const [query, key, value] = [split(0, 'q_num_heads'), split(1, 'kv_num_heads'), split(2, 'kv_num_heads')];
  const [before, values] = [node.maybe(4), node.maybe(5)];
  const behind = (past: Value | undefined, now: Value): Value =>
    past === undefined || past.shape.includes(0) ? now : e.concat([e.float(past), now], 2);
  const whole = { key: behind(before, key), value: behind(values, value) };
  if (query.shape[1]! % key.shape[1]! !== 0 || query.shape[3] !== key.shape[3] || key.shape[1] !== value.shape[1])
    refuse(`has queries of [${e.show(query.shape)}] for keys of [${e.show(key.shape)}]`);
  fixed([query, whole.key].map(({ shape }) => shape[2]!));
  const scale = node.has('scale') ? node.float('scale', 1) : 1 / Math.sqrt(query.shape[3]!);
  return { query, ...whole, past: whole.key.shape[2]! - key.shape[2]!, scale };
}

/** Masks over [N, heads, Tq, Tk], extents of 1 to be stretched; true or 0 where attention may go. */
function masksOf(node: Node, { query, key, past }: Heads): { readonly masks: Value[]; readonly causal: boolean } {
  const { e } = node;
  const [rows, columns] = [query.shape[2]!, key.shape[2]!];
  const masks: Value[] = [];
  const given = node.maybe(3);
  if (given !== undefined) {
    const typed = given.dtype === 'bool' ? given : e.float(given);
    const wide = e.reshape(typed, [...Array<number>(4 - typed.shape.length).fill(1), ...typed.shape]);
    masks.push(longer(e, wide, columns));
  }
  const lengths = node.maybe(6);
  if (lengths !== undefined) {
    if (node.flag('is_causal')) refuse('has a causal mask that starts from the length of each sample');
    const n = query.shape[0]!;
    const made = e.layer(
      'sequence_mask',
      [e.index(lengths)],
      { length: columns },
      { shape: [n, columns], elem: ELEM.bool },
    );
    masks.push(e.reshape(made, [n, 1, 1, columns]));
  }
  const causal = node.flag('is_causal');
  if (causal && past > 0) {
    const seen = Array.from({ length: rows * columns }, (_, i) =>
      Number(i % columns <= Math.floor(i / columns) + past),
    );
    masks.push(e.known(seen, [1, 1, rows, columns], ELEM.bool));
  }
  return { masks, causal: causal && past === 0 };
}

/** Keys that a mask does not reach are not seen. */
function longer(e: Emitter, mask: Value, columns: number): Value {
  const missing = columns - mask.shape[3]!;
  if (mask.shape[3] === 1 || missing === 0) return mask;
  if (missing < 0) refuse(`has a mask of [${e.show(mask.shape)}] for ${columns} keys`);
  const numbers = mask.dtype === 'bool' ? e.expr(`where(x, 0, ${LEAST})`, [mask]) : mask;
  return e.pad(
    numbers,
    [
      [0, 0],
      [0, 0],
      [0, 0],
      [0, missing],
    ],
    LEAST,
  );
}

interface Attended {
  readonly y: Value;
  /** What is given of the scores, where they are asked for. */
  readonly scores?: Value;
}

function asLayer(node: Node, heads: Heads, shape: readonly number[], weights: boolean): Attended {
  const { e } = node;
  const { query, key, value, scale } = heads;
  const { masks, causal } = masksOf(node, heads);
  const usual = Math.abs(scale * Math.sqrt(query.shape[3]!) - 1) < 1e-6;
  const fields = {
    ...(usual ? {} : { scale: shortest(scale) }),
    ...(masks.length === 0 ? {} : { masks: masks.length }),
    ...(causal ? { causal } : {}),
    ...(weights ? { return_weights: true } : {}),
  };
  if (scale <= 0) refuse(`has a scale of ${scale}`);
  const y = e.layer('attention', [query, key, value, ...masks], fields, { shape, elem: ELEM.float });
  if (!weights) return { y };
  return { y, scores: e.further(y, 'weights', { shape: [...query.shape.slice(0, 3), key.shape[2]!] }) };
}

/** Products and a softmax. With fewer heads of keys the queries that share one stand below each other. */
function written(node: Node, heads: Heads, shape: readonly number[], wanted: number | undefined): Attended {
  const { e } = node;
  const { query, key, value, scale } = heads;
  const [n, own, rows, units] = query.shape as [number, number, number, number];
  const [, shared, columns] = key.shape as [number, number, number];
  const below = (own / shared) * rows;
  const product = e.layer(
    'matmul',
    [e.reshape(query, [n, shared, below, units]), key],
    { transpose_b: true },
    { shape: [n, shared, below, columns], elem: ELEM.float },
  );
  const raw = e.unary('rescale', e.reshape(product, [n, own, rows, columns]), { scale: shortest(scale) });
  const cap = node.float('softcap', 0);
  const capped = cap === 0 ? raw : e.expr(`${cap} * tanh(x / ${cap})`, [raw]);
  const { masks, causal } = masksOf(node, heads);
  const triangle = Array.from({ length: rows * columns }, (_, i) => Number(i % columns <= Math.floor(i / columns)));
  const all = causal ? [...masks, e.known(triangle, [1, 1, rows, columns], ELEM.bool)] : masks;
  const masked = all.reduce(
    (sum, mask) => (mask.dtype === 'bool' ? e.expr(`where(a, b, ${LEAST})`, [mask, sum]) : e.merge('add', [sum, mask])),
    capped,
  );
  const weights = e.unary('softmax', masked, { axis: -1 });
  const y = e.layer(
    'matmul',
    [e.reshape(weights, [n, shared, below, columns]), value],
    {},
    { shape: [n, shared, below, value.shape[3]!], elem: ELEM.float },
  );
  const scores = wanted === undefined ? undefined : [raw, capped, masked, weights][wanted];
  if (wanted !== undefined && scores === undefined) refuse(`has the mode ${wanted} of its scores`);
  return { y: e.reshape(y, shape), ...(scores === undefined ? {} : { scores }) };
}

/** Pairs of features turned by the angles whose cosines and sines are given. */
const rotary: Handler = (node) => {
  const { e } = node;
  const x = e.float(node.in(0));
  const flat = x.shape.length === 3;
  const heads = node.int('num_heads', 0);
  const [batch, steps] = [x.shape[0]!, x.shape[flat ? 1 : 2]!];
  if (flat && (heads < 1 || x.shape[2]! % heads !== 0)) refuse(`cannot cut [${e.show(x.shape)}] into ${heads} heads`);
  const cut = flat ? e.reshape(x, [batch, steps, heads, x.shape[2]! / heads]) : x;
  const last = cut.shape.length - 1;
  const features = cut.shape[last]!;
  const turned = node.int('rotary_embedding_dim', 0) || features;
  const pairs = turned / 2;
  if (turned > features || !Number.isInteger(pairs)) refuse(`turns ${turned} of ${features} features`);
  const angles = (index: number): Value => {
    const table = anglesOf(node, index, batch, steps);
    if (table.shape[2] !== pairs) refuse(`has ${table.shape[2]} angles for ${pairs} pairs`);
    return e.reshape(table, flat ? [batch, steps, 1, pairs] : [batch, 1, steps, pairs]);
  };
  const [cos, sin] = [angles(1), angles(2)];
  const interleaved = node.flag('interleaved');
  const part = e.slice(cut, last, 0, turned);
  const [a, b] = interleaved
    ? [e.slice(part, last, 0, pairs, 2), e.slice(part, last, 1, pairs, 2)]
    : [e.slice(part, last, 0, pairs), e.slice(part, last, pairs, pairs)];
  const real = e.expr('a * c - b * d', [a, b, cos, sin]);
  const imaginary = e.expr('a * d + b * c', [a, b, cos, sin]);
  const lead = cut.shape.slice(0, -1);
  const both = interleaved
    ? e.reshape(
        e.concat(
          [real, imaginary].map((half) => e.reshape(half, [...lead, pairs, 1])),
          last + 1,
        ),
        [...lead, turned],
      )
    : e.concat([real, imaginary], last);
  const whole = turned === features ? both : e.concat([both, e.slice(cut, last, turned, features - turned)], last);
  return { ...e.reshape(whole, x.shape), elem: node.in(0).elem };
};

/** [N, T, pairs]: as they are, or the rows that positions name. */
function anglesOf(node: Node, index: number, batch: number, steps: number): Value {
  const { e } = node;
  const table = e.float(node.in(index));
  const positions = node.maybe(3);
  if (positions === undefined) {
    if (table.shape.length !== 3) refuse(`has angles of [${e.show(table.shape)}] and no positions`);
    return e.broadcastTo(table, [batch, steps, table.shape[2]!]);
  }
  if (!sameExtents(positions.shape, [batch, steps])) refuse(`has positions of [${e.show(positions.shape)}]`);
  const pairs = table.shape[1] ?? refuse('has angles of one axis');
  const own = e.index(positions);
  return e.layer(
    'gather',
    [table, own],
    { axis: 0, batch_dims: 0 },
    { shape: [batch, steps, pairs], elem: ELEM.float },
  );
}

export const ATTENTIONS: Handlers = { Attention: attention, RotaryEmbedding: rotary };
