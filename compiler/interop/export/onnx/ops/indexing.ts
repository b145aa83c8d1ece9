/** Elements by their places: lookups and sums into places. */
import type { Node } from '../../../../ir/graph';
import { integerAttr } from '../../../../ops/attributes';
import type { Emitter, Ref } from '../emitter';
import { BatchError, type Extent } from '../extents';
import type { Translations } from '../translate';

export const indexing: Translations = {
  gather,
  gather_elements: (node, e) =>
    e.op('GatherElements', [e.input(node, 0), e.input(node, 1)], { axis: integerAttr(node.attrs, 'axis') }),
  scatter_add: scatterAdd,
  scatter_elements_add: (node, e) => {
    const [indices, updates] = node.inputs.map((input) => e.ref(input));
    return intoZeros(node, e, indices!, updates!, e.extents.shape(node.outputs[0]!), integerAttr(node.attrs, 'axis'));
  },
};

/** GatherND looks up in the axis behind those that both share: the axis is moved there and what stood before it back. */
function gather(node: Node, e: Emitter): Ref {
  const axis = integerAttr(node.attrs, 'axis');
  const shared = integerAttr(node.attrs, 'batch_dims');
  const [x, indices] = node.inputs.map((input) => e.ref(input)) as [Ref, Ref];
  if (shared === 0) return e.op('Gather', [x, indices], axis === 0 ? {} : { axis });
  const [rank, chosen] = node.inputs.map(({ type }) => type.shape.length) as [number, number];
  const axes = Array.from({ length: rank }, (_, i) => i);
  const front = [...axes.slice(0, shared), axis, ...axes.slice(shared, axis), ...axes.slice(axis + 1)];
  const moved = axis === shared ? x : e.op('Transpose', [x], { perm: front });
  const wide = e.op('Cast', [e.op('Unsqueeze', [indices, e.integers([-1])])], { to: 7 });
  const found = e.op('GatherND', [moved, wide], { batch_dims: shared });
  if (axis === shared) return found;
  const [outer, count] = [axis - shared, chosen - shared];
  const total = rank - 1 + count;
  const places = Array.from({ length: total }, (_, i) => i);
  const perm = [
    ...places.slice(0, shared),
    ...places.slice(shared + count, shared + count + outer),
    ...places.slice(shared, shared + count),
    ...places.slice(shared + count + outer),
  ];
  return e.op('Transpose', [found], { perm });
}

/** Indices count slices: each is spread over its slice, and the axes that they came in become one. */
function scatterAdd(node: Node, e: Emitter): Ref {
  const axis = integerAttr(node.attrs, 'axis');
  const shared = integerAttr(node.attrs, 'batch_dims');
  const [indices, updates] = node.inputs;
  const given = e.extents.shape(indices!);
  const from = e.extents.shape(updates!);
  const count = given.length - shared;
  const chosen = given.slice(shared);
  const to = [...from.slice(0, axis), productOf(chosen), ...from.slice(axis + count)];
  const flat = e.reshape(e.ref(updates!), from, to);
  const ones = (many: number): Extent[] => Array.from({ length: many }, () => 1);
  const lines = [...given.slice(0, shared), ...ones(axis - shared), productOf(chosen), ...ones(to.length - axis - 1)];
  const spread = e.op('Expand', [e.reshape(e.ref(indices!), given, lines), e.shape(to)]);
  return intoZeros(node, e, spread, flat, e.extents.shape(node.outputs[0]!), axis);
}

function intoZeros(node: Node, e: Emitter, indices: Ref, updates: Ref, shape: readonly Extent[], axis: number): Ref {
  const zeros = e.filled(node.outputs[0]!.type.dtype, shape, 0);
  return e.op('ScatterElements', [zeros, indices, updates], { axis, reduction: 'add' });
}

/** Of extents of which one at most follows the batch. */
export function productOf(extents: readonly Extent[]): Extent {
  return extents.reduce<Extent>((a, b) => {
    if (typeof a === 'number' && typeof b === 'number') return a * b;
    if (typeof a === 'number') return scaled(b as Exclude<Extent, number>, a);
    if (typeof b === 'number') return scaled(a, b);
    throw new BatchError(undefined, 'a product of two extents that follow the batch');
  }, 1);
}

function scaled({ fixed, per }: Exclude<Extent, number>, factor: number): Extent {
  return factor === 0 ? 0 : { fixed: fixed * factor, per: per * factor };
}
