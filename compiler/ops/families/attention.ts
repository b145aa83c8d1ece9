/**
 * What scaled dot-product attention and its gradient share: the shapes of their operands, and the weights of every query
 * as the reference computes them.
 */
import type { Attrs } from '../../ir/graph';
import { elementCount, formatType, type Shape, type TensorType } from '../../ir/types';
import { booleanAttr, inputAt, integersAttr, numberAttr, requireFloat, requireShape } from '../attributes';
import { OpTypeError, type RefTensor } from '../define';

/** Features of a head that the kernels have room for (runtime-native/src/cpu/attention_shape.h). */
export const MOST_HEAD_FEATURES = 256;

/** What a score becomes that no query is to see: no row is without a number. */
export const NEVER_SCORE = -1e30;

export interface AttentionExtents {
  readonly batch: number;
  readonly heads: number;
  /** Heads of keys and values. */
  readonly groups: number;
  readonly queries: number;
  readonly keys: number;
  readonly depth: number;
  readonly width: number;
}

/** Where the positions are in q, k, v and y: [N, H, T, D] has them on axis 2, [N, T, H, D] on axis 1. */
export type PositionAxes = readonly [number, number, number, number];

export function positionAxes(attrs: Attrs): PositionAxes {
  const axes = integersAttr(attrs, 'position_axis', 4);
  if (axes.some((axis) => axis !== 1 && axis !== 2)) {
    throw new OpTypeError(`attribute 'position_axis' is [${axes.join(', ')}], expected axes 1 or 2`);
  }
  return axes as unknown as PositionAxes;
}

/** The extents of heads and positions in the order that the axis says. */
export function headShape(axis: number, batch: number, heads: number, positions: number, features: number): Shape {
  return axis === 1 ? [batch, positions, heads, features] : [batch, heads, positions, features];
}

export function attentionExtents(inputs: readonly TensorType[], attrs: Attrs): AttentionExtents {
  const [q, k, v] = (['query', 'key', 'value'] as const).map((name, i) => {
    const type = inputAt(inputs, i, name);
    requireFloat(type, name);
    if (type.shape.length !== 4) throw new OpTypeError(`the ${name} is ${formatType(type)}, expected rank 4`);
    return type.shape as readonly [number, number, number, number];
  }) as [Shape4, Shape4, Shape4];
  const axes = positionAxes(attrs);
  const extents = {
    batch: q[0],
    heads: q[3 - axes[0]] as number,
    groups: k[3 - axes[1]] as number,
    queries: q[axes[0]] as number,
    keys: k[axes[1]] as number,
    depth: q[3],
    width: v[3],
  };
  const { batch, heads, groups, keys, depth, width } = extents;
  requireShape(inputAt(inputs, 1, 'key'), headShape(axes[1], batch, groups, keys, depth), 'key');
  requireShape(inputAt(inputs, 2, 'value'), headShape(axes[2], batch, groups, keys, width), 'value');
  if (groups === 0 || heads % groups !== 0) {
    throw new OpTypeError(`found ${heads} heads of queries and ${groups} of keys, expected a multiple`);
  }
  if (Math.max(depth, width) > MOST_HEAD_FEATURES) {
    throw new OpTypeError(`found heads of ${Math.max(depth, width)} features, expected at most ${MOST_HEAD_FEATURES}`);
  }
  numberAttr(attrs, 'scale');
  booleanAttr(attrs, 'causal');
  return extents;
}

type Shape4 = readonly [number, number, number, number];

/** The masks behind the other inputs: one that is added, then one of bools, either or both left out. */
export function requireMasks(masks: readonly TensorType[], { batch, heads, queries, keys }: AttentionExtents): void {
  const dtypes = masks.map(({ dtype }) => dtype).join();
  if (!['', 'f32', 'bool', 'f32,bool'].includes(dtypes)) {
    throw new OpTypeError(`found masks of ${dtypes}, expected one of f32, then one of bool`);
  }
  for (const mask of masks) {
    const scores = [batch, heads, queries, keys];
    if (mask.shape.length !== 4 || mask.shape.some((extent, axis) => extent !== 1 && extent !== scores[axis])) {
      throw new OpTypeError(`a mask is ${formatType(mask)}, expected one that broadcasts to [${scores.join(',')}]`);
    }
  }
}

/** Multiply-adds of the products, as flops: half of them where causality rules out half of the scores. */
export function scoreFlops({ batch, heads, queries, keys }: AttentionExtents, attrs: Attrs): number {
  return batch * heads * queries * keys * (booleanAttr(attrs, 'causal') ? 1 : 2);
}

/** Elements of a head's row in a tensor whose positions are on `axis`. */
export function rowReader(x: RefTensor, axis: number): (n: number, h: number, t: number) => number {
  const [, first = 0, second = 0, features = 0] = x.type.shape;
  return (n, h, t) => features * (axis === 1 ? (n * first + t) * second + h : (n * first + h) * second + t);
}

/** Of one query: what its scores are, and which of them masks and causality leave. */
export interface ScoredRow {
  readonly scores: Float64Array;
  readonly allowed: readonly boolean[];
  readonly most: number;
  readonly sum: number;
  /** exp(score − most) / sum, 0 where a mask rules the key out. */
  readonly weights: Float64Array;
}

export function scoredRow(
  inputs: readonly RefTensor[],
  masks: readonly RefTensor[],
  attrs: Attrs,
  extents: AttentionExtents,
  [n, h, i]: readonly [number, number, number],
): ScoredRow {
  const [q, k] = [inputAt(inputs, 0, 'query'), inputAt(inputs, 1, 'key')];
  const axes = positionAxes(attrs);
  const { heads, groups, keys, depth } = extents;
  const group = Math.floor(h / (heads / groups));
  const from = rowReader(q, axes[0])(n, h, i);
  const keyAt = rowReader(k, axes[1]);
  const causal = booleanAttr(attrs, 'causal');
  const scale = numberAttr(attrs, 'scale');
  const bias = masks.find(({ type }) => type.dtype !== 'bool');
  const mask = masks.find(({ type }) => type.dtype === 'bool');
  const allowed = Array.from(
    { length: keys },
    (_, j) => (!mask || maskAt(mask, [n, h, i, j]) !== 0) && (!causal || j <= i),
  );
  const scores = Float64Array.from({ length: keys }, (_, j) => {
    if (allowed[j] !== true) return NEVER_SCORE;
    let dot = 0;
    const to = keyAt(n, group, j);
    for (let d = 0; d < depth; d++) dot += (q.data[from + d] as number) * (k.data[to + d] as number);
    return scale * dot + (bias ? Math.max(maskAt(bias, [n, h, i, j]), NEVER_SCORE) : 0);
  });
  const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  const weights = powers.map((power, j) => (mask && allowed[j] !== true ? 0 : power / sum));
  return { scores, allowed, most, sum, weights };
}

function maskAt({ type, data }: RefTensor, at: readonly number[]): number {
  return (
    data[type.shape.reduce((place, extent, axis) => place * extent + (extent === 1 ? 0 : (at[axis] ?? 0)), 0)] ?? 0
  );
}

export function eachQuery(extents: AttentionExtents, f: (n: number, h: number, i: number, row: number) => void): void {
  const { batch, heads, queries } = extents;
  for (let row = 0; row < elementCount([batch, heads, queries]); row++) {
    f(Math.floor(row / (heads * queries)), Math.floor(row / queries) % heads, row % queries, row);
  }
}

export function statistics({ batch, heads, queries }: AttentionExtents): TensorType {
  return { dtype: 'f32', shape: [batch, heads, queries] };
}
