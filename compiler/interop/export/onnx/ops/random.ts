/** Draws of random layers: the same numbers, for the same (seed, step), as `dlc predict` has. */
import type { Node } from '../../../../ir/graph';
import type { DType } from '../../../../ir/types';
import { booleanAttr, integerAttr, numberAttr } from '../../../../ops/attributes';
import { FOLD_ATTEMPT, FOLD_STREAM } from '../../../../ops/fold_rng';
import type { Emitter, MadePort, Ref } from '../emitter';
import type { Extent } from '../extents';
import type { Translations } from '../translate';
import { productOf } from './indexing';

export const random: Translations = {
  random_uniform: (node, e) => {
    const [low, high] = [numberAttr(node.attrs, 'low'), numberAttr(node.attrs, 'high')];
    const u = uniforms(node, e, e.input(node, 0), e.extents.shape(node.outputs[0]!));
    const scaled = high - low === 1 ? u : e.op('Mul', [u, e.scalar('f32', high - low)]);
    return low === 0 ? scaled : e.op('Add', [scaled, e.scalar('f32', low)]);
  },
  random_normal: normals,
  dropout: (node, e) => {
    const rate = numberAttr(node.attrs, 'rate');
    const u = uniforms(node, e, e.input(node, 1), e.extents.shape(node.outputs[0]!));
    const kept = e.op('Mul', [e.input(node, 0), e.scalar('f32', 1 / (1 - rate))]);
    return e.op('Where', [e.op('Less', [u, e.scalar('f32', rate)]), e.scalar('f32', 0), kept]);
  },
  fold_rng: (node, e) => {
    const block = e.op('Unsqueeze', [e.cast(e.input(node, 1), 'i64'), e.integers([0])]);
    const lanes = e.own(
      'Philox',
      [e.input(node, 0), block, e.scalar('i64', FOLD_ATTEMPT), e.scalar('i64', FOLD_STREAM)],
      4,
    );
    const upper = e.op('Mul', [e.op('Div', [lanes[1]!, e.scalar('i64', 2 ** 11)]), e.scalar('i64', 2 ** 32)]);
    return e.op('Concat', [e.op('Add', [lanes[0]!, upper]), lanes[2]!], { axis: 0 });
  },
};

/** The lanes of blocks 0, 1, …, as many as there are. */
function lanesOf(node: Node, e: Emitter, rng: Ref, blocks: Ref, attempt: Ref): Ref[] {
  const numbers = e.op('Range', [e.scalar('i64', 0), e.op('Squeeze', [blocks]), e.scalar('i64', 1)]);
  return e.own('Philox', [rng, numbers, attempt, e.scalar('i64', integerAttr(node.attrs, 'stream'))], 4);
}

/** The 24 upper bits of a lane, in [0, 1). */
function unit(e: Emitter, lane: Ref): Ref {
  const whole = e.cast(e.op('Div', [lane, e.scalar('i64', 2 ** 8)]), 'f32');
  return e.op('Mul', [whole, e.scalar('f32', 2 ** -24)]);
}

/** Element i is lane i mod 4 of block i div 4. */
function uniforms(node: Node, e: Emitter, rng: Ref, shape: readonly Extent[]): Ref {
  const total = productOf(shape);
  const blocks =
    typeof total === 'number'
      ? e.integers([Math.ceil(total / 4)])
      : e.op('Div', [e.op('Add', [e.shape([total]), e.integers([3])]), e.integers([4])]);
  const lanes = lanesOf(node, e, rng, blocks, e.scalar('i64', 0)).map((lane) =>
    e.op('Unsqueeze', [lane, e.integers([1])]),
  );
  const all = e.op('Reshape', [e.op('Concat', lanes, { axis: 1 }), e.integers([-1])]);
  const wanted = e.op('Slice', [all, e.integers([0]), e.shape([total]), e.integers([0])]);
  return e.reshape(unit(e, wanted), [total], shape);
}

/** Box and Muller: element i of lanes 0 and 1 of block i. What is truncated is drawn again until it fits. */
function normals(node: Node, e: Emitter): Ref {
  const { attrs } = node;
  const shape = e.extents.shape(node.outputs[0]!);
  const total = productOf(shape);
  const rng = e.input(node, 0);
  const blocks = e.shape([total]);
  const z = booleanAttr(attrs, 'truncated')
    ? truncated(node, e, rng, blocks, total)
    : standard(node, e, rng, blocks, e.scalar('i64', 0));
  const [mean, std] = [numberAttr(attrs, 'mean'), numberAttr(attrs, 'std')];
  const spread = std === 1 ? z : e.op('Mul', [z, e.scalar('f32', std)]);
  return e.reshape(mean === 0 ? spread : e.op('Add', [spread, e.scalar('f32', mean)]), [total], shape);
}

function standard(node: Node, e: Emitter, rng: Ref, blocks: Ref, attempt: Ref): Ref {
  const [first, second] = lanesOf(node, e, rng, blocks, attempt) as [Ref, Ref];
  const u = e.op('Add', [unit(e, first), e.scalar('f32', 2 ** -24)]);
  const radius = e.op('Sqrt', [e.op('Mul', [e.op('Log', [u]), e.scalar('f32', -2)])]);
  const turn = e.op('Cos', [e.op('Mul', [unit(e, second), e.scalar('f32', 2 * Math.PI)])]);
  return e.op('Mul', [radius, turn]);
}

/** Standard deviations that a truncated number stays within. */
const WITHIN = 2;

function truncated(node: Node, e: Emitter, rng: Ref, blocks: Ref, total: Extent): Ref {
  const { layer } = node.origin;
  const port = (hint: string, dtype: DType, shape: readonly Extent[]): MadePort => ({
    ref: { hint: `${layer}/${hint}` },
    dtype,
    shape,
  });
  const isOutside = (z: Ref): Ref => e.op('Greater', [e.op('Abs', [z]), e.scalar('f32', WITHIN)]);
  const [attempt, going, before] = [port('attempt', 'i64', []), port('going', 'bool', []), port('z', 'f32', [total])];
  const body = e.block('body', [attempt, going, before], () => {
    const drawn = standard(node, e, rng, blocks, attempt.ref);
    const after = e.op('Where', [isOutside(before.ref), drawn, before.ref]);
    const left = e.op('ReduceMax', [e.cast(isOutside(after), 'i32')], { keepdims: 0 });
    return [
      { ref: e.cast(left, 'bool'), dtype: 'bool', shape: [] },
      { ref: after, dtype: 'f32', shape: [total] },
    ];
  });
  const outside = e.filled('f32', [total], 2 * WITHIN);
  return e.op('Loop', [undefined, e.scalar('bool', 1), outside], { body });
}
