/**
 * What a loop keeps of each step for its gradient: the fewest bytes from which everything that the gradient reads can
 * be computed again cheaply, by element-wise ops and movements. That is a cheapest cut between what only the forward
 * pass can give (carried values, products) and what the gradient needs.
 */
import type { Node, Value } from '../ir/graph';
import { bytesOf } from '../ir/types';
import { costOf } from '../ops/cost';
import { opNamed } from '../ops/registry';
import { MinCut } from './min_cut';

export interface Wanted {
  /** Values of the body that the gradient reads. */
  readonly needed: Iterable<Value>;
  /** Inputs that the gradient's loop has anyway, of the same step. */
  readonly given: ReadonlySet<Value>;
  /** Those of them that are the same in every step. */
  readonly fixed: ReadonlySet<Value>;
  /** What the loop gives of each step anyway. */
  readonly stacked: ReadonlySet<Value>;
}

/** Values of the body to keep. Everything needed is among them, given, or computed cheaply from such. */
export function chooseResiduals(nodes: readonly Node[], { needed, given, fixed, stacked }: Wanted): readonly Value[] {
  const definitions = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const always = new Set(fixed);
  for (const { inputs, outputs } of nodes) {
    if (inputs.every((input) => always.has(input))) for (const output of outputs) always.add(output);
  }
  const cut = new MinCut();
  const source = cut.node();
  const sink = cut.node();
  const places = new Map<Value, { readonly before: number; readonly after: number }>();
  const open: Value[] = [];
  /** The two ends of the edge that stands for keeping the value. */
  const placeOf = (value: Value): { readonly before: number; readonly after: number } => {
    const known = places.get(value);
    if (known) return known;
    const place = { before: cut.node(), after: cut.node() };
    cut.edge(place.before, place.after, stacked.has(value) ? 1 : Math.max(1, bytesOf(value.type)));
    places.set(value, place);
    open.push(value);
    return place;
  };
  for (const value of needed) if (!given.has(value)) cut.edge(placeOf(value).after, sink, Infinity);
  for (let value = open.pop(); value; value = open.pop()) {
    const { before } = placeOf(value);
    const node = definitions.get(value);
    if (!node || !(isCheap(node) || always.has(value))) {
      cut.edge(source, before, Infinity);
      continue;
    }
    for (const input of node.inputs) if (!given.has(input)) cut.edge(placeOf(input).after, before, Infinity);
  }
  const side = cut.sinkSide(source, sink);
  return [...places].flatMap(([value, { before, after }]) => (side.has(after) && !side.has(before) ? [value] : []));
}

/** Computing it again costs less than reading what was kept. */
function isCheap(node: Node): boolean {
  const { traits, native } = opNamed(node.op);
  if (native === 'control' || traits.random === true) return false;
  return traits.elementwise === true || costOf(node).flops === 0;
}
