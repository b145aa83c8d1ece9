/** Sequences and optionals: lists of tensors that are known while a model is read, and leave no layers behind. */
import { ELEM } from '../../../formats/onnx/types';
import { refuse, type Handler, type Handlers, type Node } from '../node';
import { isSymbolic, type Value } from '../value';

function sequence(items: readonly Value[]): Value {
  const { elem, dtype } = items[0] ?? { elem: ELEM.float, dtype: 'f32' as const };
  return { elem, dtype, shape: [], items };
}

/** A place in a list, from either end. */
function placeOf(node: Node, index: number, size: number, byDefault: number): number {
  const place = node.numbers(index, 'position')?.[0] ?? byDefault;
  return place < 0 ? place + size : place;
}

function within(place: number, size: number): number {
  return place >= 0 && place < size ? place : refuse(`has the position ${place} of ${size}`);
}

const insert: Handler = (node) => {
  const items = node.items(0);
  const place = placeOf(node, 2, items.length, items.length);
  return sequence(items.toSpliced(within(place, items.length + 1), 0, node.in(1)));
};

const erase: Handler = (node) => {
  const items = node.items(0);
  return sequence(items.toSpliced(within(placeOf(node, 1, items.length, items.length - 1), items.length), 1));
};

const at: Handler = (node) => {
  const items = node.items(0);
  return items[within(placeOf(node, 1, items.length, 0), items.length)]!;
};

const concat: Handler = (node) => {
  const { e } = node;
  const items = node.items(0);
  const [first] = items;
  if (first === undefined) return refuse('joins no tensors');
  const axis = node.int('axis', 0);
  if (!node.flag('new_axis')) return e.concat(items, node.axis(axis, first.shape.length));
  const place = node.axis(axis, first.shape.length + 1);
  return e.concat(
    items.map((item) => e.reshape(item, item.shape.toSpliced(place, 0, 1))),
    place,
  );
};

/** Parts of given sizes, of one size, or single slices. */
const split: Handler = (node) => {
  const { e } = node;
  const x = node.in(0);
  const axis = node.axisOf('axis', 0, x.shape.length);
  const extent = x.shape[axis]!;
  if (isSymbolic(extent)) node.batched(0, 'cuts the batch');
  const given = node.numbers(1, 'split');
  const each = given === undefined ? 1 : node.in(1).shape.length === 0 ? given[0]! : undefined;
  if (each !== undefined && !(each >= 1 && extent / each <= MOST_PARTS)) refuse('cuts into too many parts, or none');
  const sizes =
    each === undefined
      ? given!
      : Array.from({ length: Math.ceil(extent / each) }, (_, i) => Math.min(each, extent - i * each));
  if (sizes.some((size) => !(size >= 0)) || sizes.reduce((sum, size) => sum + size, 0) !== extent)
    refuse('does not cut its axis into parts');
  let start = 0;
  const parts = sizes.map((size) => {
    const part = size === 0 ? e.known([], x.shape.with(axis, 0), x.elem) : e.slice(x, axis, start, size);
    start += size;
    const single = given === undefined && !node.flag('keepdims', true);
    return single ? e.reshape(part, part.shape.toSpliced(axis, 1)) : part;
  });
  return sequence(parts);
};

/** Each is a layer. */
const MOST_PARTS = 1024;

/** The body once for every item; what else it takes is the same each time, or a list of as many. */
const map: Handler = (node) => {
  const lists = node.inputs.map((input) => input?.items);
  const size = node.items(0).length;
  if (lists.some((list) => list !== undefined && list.length !== size)) refuse('goes through lists that are not alike');
  const rounds = Array.from({ length: size }, (_, i) =>
    node.around.inline(
      node.graph('body'),
      node.inputs.map((input, k) => lists[k]?.[i] ?? input ?? refuse(`lacks its input ${k}`)),
    ),
  );
  return node.proto.outputs.map((_, k) => sequence(rounds.map((outputs) => outputs[k]!)));
};

export const SEQUENCES: Handlers = {
  SequenceEmpty: () => sequence([]),
  SequenceConstruct: (node) => sequence(node.all()),
  SequenceInsert: insert,
  SequenceErase: erase,
  SequenceAt: at,
  SequenceLength: (node) => node.e.scalar(node.items(0).length, ELEM.int64),
  SequenceMap: map,
  ConcatFromSequence: concat,
  SplitToSequence: split,
  // A tensor is an optional that is there, and what is left out one that is not.
  OptionalGetElement: (node) => node.inputs[0] ?? refuse('takes what is not there'),
  OptionalHasElement: (node) => node.e.scalar(node.inputs[0] === undefined ? 0 : 1, ELEM.bool),
};
