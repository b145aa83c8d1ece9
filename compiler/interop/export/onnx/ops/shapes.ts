/** Movements: views, slices, joins, borders. */
import type { Node } from '../../../../ir/graph';
import { elementCount } from '../../../../ir/types';
import { integerAttr, integersAttr, numberAttr } from '../../../../ops/attributes';
import type { Emitter, Ref } from '../emitter';
import { isFixed, sameExtent, type Extent } from '../extents';
import type { Translations } from '../translate';

/** A weight of at most so many elements may be stored in two shapes. */
const MOST_TWICE = 2 ** 14;

export const shapes: Translations = {
  reshape: (node, e) => {
    const [x] = node.inputs;
    const tensor = e.known(x!);
    const [y] = node.outputs;
    if (tensor && (e.isReadOnce(x!) || elementCount(tensor.shape) <= MOST_TWICE)) {
      e.hold(y!, { ...tensor, shape: y!.type.shape });
      return undefined;
    }
    return e.reshape(e.ref(x!), e.extents.shape(x!), e.extents.shape(node.outputs[0]!));
  },
  transpose: (node, e) => e.op('Transpose', [e.input(node, 0)], { perm: integersAttr(node.attrs, 'perm') }),
  broadcast_to: broadcast,
  concat: (node, e) => {
    const parts = node.inputs.map((input) => e.ref(input));
    return e.op('Concat', parts, { axis: integerAttr(node.attrs, 'axis') });
  },
  slice,
  pad,
};

/** Expand takes 1 for an axis that it leaves alone: only what is spread must be known. */
function broadcast(node: Node, e: Emitter): Ref {
  const from = e.extents.shape(node.inputs[0]!);
  const to = e.extents.shape(node.outputs[0]!);
  const missing = to.length - from.length;
  const wanted = to.map((extent, axis) => (axis >= missing && sameExtent(extent, from[axis - missing]!) ? 1 : extent));
  if (wanted.every((extent) => extent === 1) && missing === 0) return e.input(node, 0);
  return e.op('Expand', [e.input(node, 0), e.shape(wanted)]);
}

function slice(node: Node, e: Emitter): Ref {
  const whole = e.extents.shape(node.inputs[0]!);
  const starts = e.extents.list(node, 'starts');
  const limits = e.extents.list(node, 'limits');
  const strides = integersAttr(node.attrs, 'strides');
  const cut = whole.flatMap((extent, axis) =>
    starts[axis] === 0 && sameExtent(limits[axis]!, extent) && strides[axis] === 1 ? [] : [axis],
  );
  if (cut.length === 0) return e.input(node, 0);
  const of = (list: readonly Extent[]): Ref => e.shape(cut.map((axis) => list[axis]!));
  const steps = cut.some((axis) => strides[axis] !== 1) ? of(strides) : undefined;
  return e.op('Slice', [e.input(node, 0), of(starts), of(limits), e.integers(cut), steps]);
}

/** Elements between neighbours: each gets an axis of its own, which is padded, and what is behind the last is cut off. */
function pad(node: Node, e: Emitter): Ref {
  const { dtype } = node.inputs[0]!.type;
  const value = e.scalar(dtype, numberAttr(node.attrs, 'value'));
  const [low, high, interior] = ['low', 'high', 'interior'].map((name) => integersAttr(node.attrs, name)) as [
    readonly number[],
    readonly number[],
    readonly number[],
  ];
  let [x, shape] = [e.input(node, 0), e.extents.shape(node.inputs[0]!)];
  interior.forEach((between, axis) => {
    const extent = shape[axis]!;
    if (between === 0 || !isFixed(extent) || extent < 2) return;
    const apart = [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)];
    const grown = shape.with(axis, extent * (between + 1));
    const widened = e.op('Pad', [e.reshape(x, shape, apart), e.integers([0, between]), value, e.integers([axis + 1])]);
    x = e.reshape(widened, apart.with(axis + 1, between + 1), grown);
    shape = grown.with(axis, extent * (between + 1) - between);
    x = e.op('Slice', [x, e.integers([0]), e.integers([shape[axis] as number]), e.integers([axis])]);
  });
  const padded = low.flatMap((before, axis) => (before === 0 && high[axis] === 0 ? [] : [axis]));
  if (padded.length === 0) return x;
  const amounts = [...padded.map((axis) => low[axis]!), ...padded.map((axis) => high[axis]!)];
  return e.op('Pad', [x, e.integers(amounts), value, e.integers(padded)]);
}
