/**
 * Channel shuffles: a reshape that cuts the channels of an image into factors, a transpose of these, and a reshape that
 * joins them again. For the choice of a layout the three are one node between images, which has a form of its own for
 * either order.
 */
import type { Graph, Node, Value } from '../ir/graph';
import { definitionsOf, useCountsOf } from '../ir/rewrite';
import { sameShape } from '../ir/types';
import { integersAttr } from '../ops/attributes';
import { isImage } from './layout_rules';

export interface Shuffle {
  /** As they were: reshape, transpose, reshape. */
  readonly nodes: readonly [Node, Node, Node];
  /** Into what the channels are cut, and in which order these factors are joined. */
  readonly factors: readonly number[];
  readonly order: readonly number[];
}

export interface Joined {
  readonly graph: Graph;
  /** By the node that stands in the place of the three. */
  readonly shuffles: ReadonlyMap<Node, Shuffle>;
}

/** The graph with one node, from image to image, for each shuffle. */
export function joinShuffles(graph: Graph): Joined {
  const definitions = definitionsOf(graph);
  const uses = useCountsOf(graph);
  const shuffles = new Map<Node, Shuffle>();
  const places = new Map<Node, Node | undefined>();
  /** What makes the value, if it is such a node and nobody else reads the value. */
  const onlyFor = (value: Value | undefined, op: string): Node | undefined => {
    const maker = value && uses.get(value) === 1 ? definitions.get(value) : undefined;
    return maker?.op === op ? maker : undefined;
  };
  for (const last of graph.nodes) {
    const turn = last.op === 'reshape' ? onlyFor(last.inputs[0], 'transpose') : undefined;
    const first = turn && onlyFor(turn.inputs[0], 'reshape');
    const shuffle = first && turn && shuffleOf(first, turn, last);
    if (!shuffle || places.has(first)) continue;
    const joined = { ...last, inputs: first.inputs };
    places.set(first, undefined).set(turn, undefined).set(last, joined);
    shuffles.set(joined, shuffle);
  }
  if (shuffles.size === 0) return { graph, shuffles };
  const nodes = graph.nodes.flatMap((node) => (places.has(node) ? (places.get(node) ?? []) : node));
  return { graph: { ...graph, nodes }, shuffles };
}

function shuffleOf(first: Node, turn: Node, last: Node): Shuffle | undefined {
  const [x] = first.inputs;
  const [cut] = first.outputs;
  const [y] = last.outputs;
  if (!x || !cut || !y || !isImage(x) || !sameShape(x.type.shape, y.type.shape)) return undefined;
  const { shape } = x.type;
  const split = cut.type.shape;
  const [planes, count] = [shape.length - 2, split.length - shape.length + 1];
  const factors = split.slice(1, 1 + count);
  const whole = [
    ...split.slice(0, 1),
    factors.reduce((product, factor) => product * factor, 1),
    ...split.slice(1 + count),
  ];
  const perm = integersAttr(turn.attrs, 'perm');
  const order = perm.slice(1, 1 + count).map((axis) => axis - 1);
  const stays = perm.every((axis, i) => axis === i || (i >= 1 && i <= count && axis >= 1 && axis <= count));
  if (count < 2 || planes < 1 || !stays || !sameShape(whole, shape)) return undefined;
  return { nodes: [first, turn, last], factors, order };
}
