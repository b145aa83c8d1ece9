/** Draws of random layers: the same numbers, for the same (seed, step), as `dlc predict` has. */
import type { Node } from '../../../../ir/graph';
import { elementCount } from '../../../../ir/types';
import { booleanAttr, integerAttr, numberAttr } from '../../../../ops/attributes';
import { FOLD_ATTEMPT, FOLD_STREAM } from '../../../../ops/fold_rng';
import { Untranslatable, type Emitter, type Ref } from '../emitter';
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
function lanesOf(node: Node, e: Emitter, rng: Ref, blocks: Ref): Ref[] {
  const numbers = e.op('Range', [e.scalar('i64', 0), e.op('Squeeze', [blocks]), e.scalar('i64', 1)]);
  return e.own('Philox', [rng, numbers, e.scalar('i64', 0), e.scalar('i64', integerAttr(node.attrs, 'stream'))], 4);
}

/** The 24 upper bits of a lane, in [0, 1). */
function unit(e: Emitter, lane: Ref, dtype: 'f32' | 'f64' = 'f32'): Ref {
  const whole = e.cast(e.op('Div', [lane, e.scalar('i64', 2 ** 8)]), dtype);
  return e.op('Mul', [whole, e.scalar(dtype, 2 ** -24)]);
}

/** Element i is lane i mod 4 of block i div 4. */
function uniforms(node: Node, e: Emitter, rng: Ref, shape: readonly Extent[]): Ref {
  const total = productOf(shape);
  const blocks =
    typeof total === 'number'
      ? e.integers([Math.ceil(total / 4)])
      : e.op('Div', [e.op('Add', [e.shape([total]), e.integers([3])]), e.integers([4])]);
  const lanes = lanesOf(node, e, rng, blocks).map((lane) => e.op('Unsqueeze', [lane, e.integers([1])]));
  const all = e.op('Reshape', [e.op('Concat', lanes, { axis: 1 }), e.integers([-1])]);
  const wanted = e.op('Slice', [all, e.integers([0]), e.shape([total]), e.integers([0])]);
  return e.reshape(unit(e, wanted), [total], shape);
}

/** Box and Muller, in double as the kernel: element i of lanes 0 and 1 of block i. */
function normals(node: Node, e: Emitter): Ref {
  const { attrs } = node;
  if (booleanAttr(attrs, 'truncated') && elementCount(node.outputs[0]!.type.shape) > 0) {
    throw new Untranslatable('draws truncated normal numbers, again and again until they fit', 'draw plain ones');
  }
  const shape = e.extents.shape(node.outputs[0]!);
  const total = productOf(shape);
  const [first, second] = lanesOf(node, e, e.input(node, 0), e.shape([total])) as [Ref, Ref];
  const u = e.op('Add', [unit(e, first), e.scalar('f32', 2 ** -24)]);
  const radius = e.op('Sqrt', [e.op('Mul', [e.op('Log', [u]), e.scalar('f32', -2)])]);
  const turn = e.op('Cos', [e.op('Mul', [unit(e, second), e.scalar('f32', 2 * Math.PI)])]);
  const z = e.op('Mul', [radius, turn]);
  const [mean, std] = [numberAttr(attrs, 'mean'), numberAttr(attrs, 'std')];
  const spread = std === 1 ? z : e.op('Mul', [z, e.scalar('f32', std)]);
  return e.reshape(mean === 0 ? spread : e.op('Add', [spread, e.scalar('f32', mean)]), [total], shape);
}
