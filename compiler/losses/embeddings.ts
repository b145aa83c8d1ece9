/** What losses of embeddings share: vectors on the last axis, and how near two of them are. */
import type { Value } from '../ir/graph';
import { sameShape } from '../ir/types';
import type { LowerContext } from '../layers/define';
import type { Formula } from './formula';

/** All of one shape, float32, of at least two axes. */
export function requireEmbeddings(context: LowerContext, vectors: readonly Value[]): void {
  const [first] = vectors;
  for (const { type } of vectors) {
    if (type.dtype !== 'f32') context.mismatch('dtype', 'embeddings are float32');
    if (!first || type.shape.length < 2 || !sameShape(type.shape, first.type.shape)) {
      context.mismatch('shape', 'embeddings need one shape, [N, D] or more axes, the vectors on the last');
    }
  }
}

/** One number for each pair of embeddings, as float32: integers and bools will do, and a last axis of extent 1. */
export function requirePairTargets(context: LowerContext, embeddings: Value, targets: Value): Value {
  const { b } = context;
  const expected = embeddings.type.shape.slice(0, -1);
  const { shape, dtype } = targets.type;
  if (!sameShape(shape, expected) && !sameShape(shape, [...expected, 1])) {
    context.mismatch('shape', `the targets should be [${expected.join(', ')}], one for each pair of embeddings`);
  }
  const float = dtype === 'f32' ? targets : b.op('cast', [targets], { dtype: 'f32' });
  return sameShape(shape, expected) ? float : b.op('reshape', [float], { shape: expected });
}

/** The cosine of the angle between vectors on an axis. */
export function cosineOf(m: Formula, x: Value, y: Value, axis: number): Value {
  return m.sum(m.mul(m.normalized(x, axis), m.normalized(y, axis)), [axis]);
}
